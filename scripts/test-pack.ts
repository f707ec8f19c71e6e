/**
 * Installs the packed packages into an empty application outside of the repository, checks their contents and types,
 * and imports every export with the Node that runs this script.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempDisposableSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { followFirstHour } from './first-hour.ts'
import { manifestOf } from './manifest.ts'
import { packedIn } from './page-reader.ts'
import { faultsOf } from './published-package.ts'
import { followTutorial } from './tutorial-pages.ts'

const root = resolve(import.meta.dirname, '..')
const packed = packedIn(join(root, '.cache/tarballs'))
/** What an application without a tailnet may install. */
const most = { packages: 30, megabytes: 30 }

using app = mkdtempDisposableSync(join(tmpdir(), 'troupe-pack-'))
writeFileSync(join(app.path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
install(packed.packages)
assertSmall()

const manifests = globSync(['node_modules/troupe/package.json', 'node_modules/@troupe/*/package.json'], {
  cwd: app.path,
})
// The runtime contains the files of a new application, which import what the application installs.
const providedTo = (folder: string) => (folder.endsWith('/runtime') ? ['troupe'] : [])
const faults = manifests
  .map((file) => dirname(file))
  .flatMap((folder) => faultsOf(join(app.path, folder), providedTo(folder)).map((fault) => `${folder}: ${fault}`))
if (faults.length > 0) throw new Error(`packages are not as they should be:\n${faults.join('\n')}`)

const specifiers = manifests.flatMap(exportsOf)
const imports = specifiers.map(
  (specifier, index) =>
    `import * as m${index} from '${specifier}'\nconsole.log('${specifier}:', Object.keys(m${index}).length)\n`,
)
writeFileSync(join(app.path, 'main.ts'), imports.join(''))
cpSync(join(import.meta.dirname, 'published-types.ts'), join(app.path, 'types.ts'))
run(
  join(root, 'node_modules/.bin/tsc'),
  '--noEmit',
  '--strict',
  '--module',
  'nodenext',
  '--typeRoots',
  join(root, 'node_modules/@types'),
  '--types',
  'node',
  'main.ts',
  'types.ts',
)
run(process.execPath, 'main.ts')
// Threads find their programs.
run('npx', 'troupe', 'init', 'hello')
run('npx', 'troupe', '--root', 'hello', 'run', 'hello', 'Ada')
// The reference is in the package.
run('npx', 'troupe', 'docs', 'ESEALED')
assertFewModules()
assertInOverlay()
assertOldNode()
assertSidecarNamed()
assertExec()
assertTyped()
assertCreated()
await assertFirstHour()
await assertTutorial()
// The programs in Go are in packages of the platform, whose checksums are checked.
install(packed.sidecars)
run('npx', 'troupe-tsnet', 'where')
run('npx', 'troupe-nats', 'where')
await assertPackedPrograms()
run(process.execPath, 'packed/embedded/main.ts')
run(process.execPath, 'packed/dashboard/main.ts')
run(process.execPath, 'packed/clustered/main.ts')

function install(files: readonly string[]): void {
  run('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline', ...files)
}

/** Fails if more, or larger, packages than expected are installed. */
function assertSmall(): void {
  const files = globSync('node_modules/**', { cwd: app.path, withFileTypes: true }).filter((file) => file.isFile())
  const bytes = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
  const packages = globSync('node_modules/{*,@*/*}/package.json', { cwd: app.path }).length
  const megabytes = Math.round(bytes / 100_000) / 10
  console.log(`installed: ${packages} packages, ${megabytes} MB`)
  if (packages > most.packages || megabytes > most.megabytes) throw new Error('that is more than expected')
}

/**
 * `npm create troupe` writes an application that installs, runs, and passes its own checks, in an empty folder and in a
 * project.
 */
function assertCreated(): void {
  const { folder, creator } = packed
  const projects = { fresh: undefined, grown: { name: 'grown', version: '1.0.0', type: 'module' } }
  for (const [name, manifest] of Object.entries(projects)) {
    const project = join(app.path, name)
    mkdirSync(project)
    if (manifest !== undefined) {
      mkdirSync(join(project, 'src'))
      writeFileSync(join(project, 'src/index.ts'), 'export const mine = 1\n')
      writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
    }
    const inside = (command: string, ...args: readonly string[]) => {
      runIn(project, {}, command, ...args)
    }
    inside('npm', 'exec', '--yes', '--prefer-offline', `--package=${creator}`, '--', 'create-troupe', '--from', folder)
    inside('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline')
    inside('npm', 'start')
    inside('npm', 'test')
    inside('npm', 'run', 'check')
    // The commands of the Dockerfile in docs/cli.md.
    inside('npm', 'ci', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline')
    inside('node_modules/.bin/troupe', 'run', 'hello')
  }
}

/** The first hour of a newcomer, as the page describes it. */
async function assertTutorial(): Promise<void> {
  const folder = join(app.path, 'tutorial')
  mkdirSync(folder)
  await followTutorial(folder, packed)
}

async function assertFirstHour(): Promise<void> {
  const folder = join(app.path, 'first-hour')
  mkdirSync(folder)
  await followFirstHour(folder, packed)
}

/** The types of an application, which `troupe types` writes, with the published declarations. */
function assertTyped(): void {
  const folder = join(app.path, 'typed')
  cpSync(join(import.meta.dirname, 'fixtures/typed'), folder, { recursive: true })
  const modules = join(root, 'node_modules')
  const compilerOptions = {
    module: 'nodenext',
    target: 'esnext',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    typeRoots: [join(modules, '@types')],
    types: ['node'],
    paths: { vitest: [join(modules, 'vitest/dist/index.d.ts')] },
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src', 'entries.d.ts'] }))
  // Its validators.
  run('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline', `zod@${zodVersion()}`)
  run('npx', 'troupe', '--root', 'typed', 'types')
  run(join(modules, '.bin/tsc'), '-p', 'typed')
  run('npx', 'troupe', '--root', 'typed', 'run', '--exec', 'app:main')
}

function zodVersion(): string {
  const { devDependencies } = manifestOf(root)
  return String(Object.entries(devDependencies ?? {}).find(([name]) => name === 'zod')?.[1])
}

/** An old Node prints what is needed instead of a syntax error, from the program and from each import. */
function assertOldNode(): void {
  const words = failureOf('npx', '--yes', '--package=node@20', '--', 'node', 'node_modules/troupe/dist/troupe.js')
  if (!words.includes('needs Node 24 or later; this is Node 20.')) throw new Error(`Node 20 said: ${words}`)
  for (const specifier of ['troupe', 'troupe/app', 'troupe/test', 'troupe/adapters', 'troupe/vitest']) {
    const code = `import * as all from '${specifier}'; console.log(all)`
    const printed = failureOf('npx', '--yes', '--package=node@20', '--', 'node', '--input-type=module', '-e', code)
    if (!printed.includes('troupe_needs_Node_24_or_later'))
      throw new Error(`import of ${specifier} with Node 20 printed: ${printed}`)
  }
}

/** Without the package with the sidecar, the error says how to install it. */
function assertSidecarNamed(): void {
  const words = failureOf('npx', 'troupe', 'exec', '--network', 'tailnet', '--', 'node', '-e', '0')
  if (!words.includes('npm install @troupe/tsnet')) throw new Error(`a tailnet without its package said: ${words}`)
  cpSync(join(import.meta.dirname, 'fixtures/tailnet'), join(app.path, 'tailnet'), { recursive: true })
  const { stdout } = spawnSync('npx', ['troupe', '--root', 'tailnet', 'doctor'], { cwd: app.path, encoding: 'utf8' })
  const remedies = stdout.match(/"remedy": ?"npm install @troupe\/tsnet"/g) ?? []
  if (remedies.length !== 2) throw new Error(`"troupe doctor" without that package said:\n${stdout}`)
}

function failureOf(command: string, ...args: readonly string[]): string {
  const env = { ...process.env, TS_AUTHKEY: 'tskey-auth-none' }
  const { status, stderr } = spawnSync(command, args, { cwd: app.path, encoding: 'utf8', env })
  if (status === 0) throw new Error(`${command} ${args.join(' ')} succeeded`)
  return stderr
}

/** A small program opens few files, and none of packages that it does not use. */
function assertFewModules(): void {
  const list = join(app.path, 'modules.txt')
  const hook = join(import.meta.dirname, 'fixtures/list-modules.mjs')
  const troupe = 'node_modules/troupe/dist/troupe.js'
  runWith({ MODULE_LIST: list }, process.execPath, '--import', hook, troupe, '--root', 'hello', 'run', 'hello', 'Ada')
  const all = readFileSync(list, 'utf8').trim().split('\n')
  const modules = all.filter((url) => !url.startsWith('node:'))
  // Nothing uses it before a request, and Node would compile it from its source, because flags of V8 were changed.
  const ofHttp = /^node:(?:http2?|internal\/deps\/undici\/undici)$/
  const heavy = /\/(?:node_modules\/(?!troupe\/|@troupe\/|piscina\/)|dist\/(?:lib|later)-)/
  console.log(`"troupe run hello" opens ${modules.length} files`)
  const unused = [...modules.filter((url) => heavy.test(url)), ...all.filter((url) => ofHttp.test(url))]
  if (unused.length > 0) throw new Error(`"troupe run hello" loads what it does not use:\n${unused.join('\n')}`)
  if (modules.length > 40) throw new Error(`"troupe run hello" loads ${modules.length} files:\n${modules.join('\n')}`)
}

/** Threads, processes and servers find their programs in the bundles. */
async function assertPackedPrograms(): Promise<void> {
  cpSync(join(import.meta.dirname, 'fixtures/packed'), join(app.path, 'packed'), { recursive: true })
  const port = String(await freePort())
  runWith({ WEB_PORT: port }, 'npx', 'troupe', '--root', 'packed', 'run', 'main', port)
}

/** A program whose own network is an overlay starts, and its processes run there. */
function assertInOverlay(): void {
  const proxy = '  - { name: proxy, kind: network.socks5, host: 127.0.0.1, port: 1 }\n'
  appendFileSync(join(app.path, 'hello/src/_index.yaml'), proxy)
  const inProxy = ['--set', 'network_service.default_network=app:proxy']
  run('npx', 'troupe', '--root', 'hello', ...inProxy, 'run', 'hello', 'Ada')
}

/** A program under `troupe exec` finds the guard in the bundles. */
function assertExec(): void {
  const code = `require('node:net').connect(80, 'web.test').on('error', ({ message }) => console.log(message))`
  const network = 'socks5://127.0.0.1:1'
  const argv = ['troupe', 'exec', '--network', network, '--', 'node', '-e', code]
  const { stdout, stderr } = spawnSync('npx', argv, { cwd: app.path, encoding: 'utf8' })
  if (!stdout.includes('through overlay exec:proxy failed'))
    throw new Error(`"troupe exec" does not guard a program:\n${stdout}${stderr}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function run(command: string, ...args: readonly string[]): void {
  runWith({}, command, ...args)
}

function runWith(env: NodeJS.ProcessEnv, command: string, ...args: readonly string[]): void {
  runIn(app.path, env, command, ...args)
}

function runIn(cwd: string, env: NodeJS.ProcessEnv, command: string, ...args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) throw new Error(`${command} ${args[0] ?? ''} ended with status ${String(status)}`)
}

/** The specifiers that an application may write after `from`, from the manifest at `file`. */
function exportsOf(file: string): string[] {
  const { name, exports } = manifestOf(join(app.path, dirname(file)))
  if (typeof name !== 'string') throw new Error(`${file}: no name`)
  // A package that contains only programs.
  if (exports === undefined && /^@troupe\/(?:nats|tsnet)-/.test(name)) return []
  if (typeof exports !== 'object' || exports === null) throw new Error(`${file}: no exports`)
  // A pattern stands for files that other packages re-export.
  const subpaths = Object.keys(exports).filter((subpath) => !subpath.includes('*'))
  return subpaths.map((subpath) => name + subpath.slice(1))
}
