/**
 * Installs the packed packages into an empty application outside of the repository, checks their contents and types,
 * and imports every export with the Node that runs this script.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { manifestOf } from './prepare-publish.ts'
import { faultsOf } from './published-package.ts'

const root = resolve(import.meta.dirname, '..')
const tarballs = globSync('.cache/tarballs/*.tgz', { cwd: root }).map((file) => join(root, file))
if (tarballs.length === 0) throw new Error('nothing is packed: run npm run pack:all')

using app = mkdtempDisposableSync(join(tmpdir(), 'troupe-pack-'))
writeFileSync(join(app.path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
run('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs)

const manifests = globSync(['node_modules/troupe/package.json', 'node_modules/@troupe/*/package.json'], { cwd: app.path })
const faults = manifests.flatMap((file) => faultsOf(join(app.path, dirname(file)), []).map((fault) => `${dirname(file)}: ${fault}`))
if (faults.length > 0) throw new Error(`packages are not as they should be:\n${faults.join('\n')}`)

const specifiers = manifests.flatMap(exportsOf)
const imports = specifiers.map(
  (specifier, index) => `import * as m${index} from '${specifier}'\nconsole.log('${specifier}:', Object.keys(m${index}).length)\n`,
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
// The sidecar is in a package of the platform, whose checksum is checked.
run('npx', 'troupe-tsnet', 'where')

function run(command: string, ...args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: app.path, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args[0] ?? ''} ended with status ${String(status)}`)
}

/** The specifiers that an application may write after `from`, from the manifest at `file`. */
function exportsOf(file: string): string[] {
  const { name, exports } = manifestOf(join(app.path, dirname(file)))
  if (typeof name !== 'string') throw new Error(`${file}: no name`)
  // A package that contains only a program.
  if (exports === undefined && name.startsWith('@troupe/tsnet-')) return []
  if (typeof exports !== 'object' || exports === null) throw new Error(`${file}: no exports`)
  return Object.keys(exports).map((subpath) => name + subpath.slice(1))
}
