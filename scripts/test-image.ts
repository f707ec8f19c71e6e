/**
 * Builds the image of `examples/docker` for a new application and runs it, without a daemon: with buildah, as root.
 * `npm run pack:all` comes first. `--base IMAGE` takes the place of the image after FROM.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, globSync, mkdtempDisposableSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'

const root = resolve(import.meta.dirname, '..')
const image = 'localhost/troupe-test-image'
/** Seconds that the application has to become ready, and to stop. */
const patience = 90

const env = { STORAGE_DRIVER: 'vfs', BUILDAH_ISOLATION: 'chroot', BUILDAH_FORMAT: 'docker', ...process.env }
const inspected = z.object({
  Docker: z.object({
    config: z.object({
      User: z.string(),
      Cmd: z.array(z.string()),
      StopSignal: z.string(),
      Volumes: z.record(z.string(), z.unknown()),
      Healthcheck: z.object({ Test: z.tuple([z.literal('CMD')], z.string()) }),
    }),
  }),
})

const { values } = parseArgs({ options: { base: { type: 'string' }, run: { type: 'boolean' } } })
if (values.run === true) await run()
else {
  build(values.base)
  // A network of its own: nothing else listens on its loopback, and nothing is outside of it.
  const inside = ['--net', '--', process.execPath, import.meta.filename, '--run']
  const { status } = spawnSync('unshare', inside, { stdio: 'inherit', env })
  buildah('rmi', image)
  if (status !== 0) throw new Error(`the container did not do what it should: status ${String(status)}`)
}

function build(base: string | undefined): void {
  const folder = join(root, '.cache/tarballs')
  const creator = globSync('create-troupe-*.tgz', { cwd: folder }).map((file) => join(folder, file))[0]
  if (creator === undefined) throw new Error('nothing is packed: run npm run pack:all')
  using app = mkdtempDisposableSync(join(tmpdir(), 'troupe-image-'))
  const npm = (...argv: readonly string[]) => {
    execFileSync('npm', argv, { cwd: app.path, stdio: 'inherit' })
  }
  npm('exec', '--yes', '--prefer-offline', `--package=${creator}`, '--', 'create-troupe', '--from', folder)
  npm('install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline')
  for (const file of globSync('**', { cwd: join(root, 'examples/docker'), withFileTypes: true }))
    if (file.isFile()) cpSync(join(file.parentPath, file.name), join(app.path, basename(file.name)))
  cpSync(join(root, 'examples/docker/.dockerignore'), join(app.path, '.dockerignore'))
  // The packages are files of this machine, under the same names in the build.
  const from = base === undefined ? [] : [`--from=${base}`]
  buildah('build', `--tag=${image}`, ...from, `--volume=${folder}:${folder}:ro`, app.path)
}

async function run(): Promise<void> {
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  const { config } = inspected.parse(JSON.parse(buildah('inspect', '--type=image', image))).Docker
  const container = buildah('from', image).trim()
  try {
    const inside = (...argv: readonly string[]) =>
      spawnSync('buildah', ['run', container, '--', ...argv], { env, encoding: 'utf8' })
    const expected = { user: 'node', signal: 'SIGTERM', volumes: ['/app/.troupe'] }
    const { User: user, StopSignal: signal, Volumes: volumes } = config
    assertEqual({ user, signal, volumes: Object.keys(volumes) }, expected)
    assertEqual(inside('stat', '-c', '%U %a', '.troupe').stdout.trim(), 'node 700')
    const check = config.Healthcheck.Test.slice(1)
    if (inside(...check).status === 0) throw new Error('it is healthy before it runs')
    const program = spawn('buildah', ['run', container, '--', ...config.Cmd], { env, stdio: 'inherit' })
    const ended = once(program, 'exit')
    await until('it is healthy', () => inside(...check).status === 0)
    const pid = await applicationOf(program)
    const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    assertEqual(uid, inside('id', '-u', 'node').stdout.trim())
    process.kill(pid, 'SIGTERM')
    assertEqual(await ended, [0, null])
    console.log(`the image runs as user ${String(uid)}, becomes healthy, and stops with status 0`)
  } finally {
    buildah('rm', container)
  }
}

/** Returns the pid of the application, which is a descendant of the program that runs the container. */
async function applicationOf({ pid }: ChildProcess): Promise<number> {
  let found: number | undefined
  await until('the application runs', () => {
    found = descendantsOf(pid ?? 0).find((each) => commandOf(each).includes('node_modules/.bin/troupe'))
    return found !== undefined
  })
  return found ?? 0
}

function descendantsOf(pid: number): readonly number[] {
  const children = globSync(`/proc/${pid}/task/*/children`).flatMap((file) => readFileSync(file, 'utf8').split(' '))
  return children.flatMap((child) => (child === '' ? [] : [...descendantsOf(Number(child)), Number(child)]))
}

/** The program itself, not the one that starts it with the same words. */
function commandOf(pid: number): string {
  const [program = '', ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  return basename(program) === 'node' || basename(program) === 'MainThread' ? words.join(' ') : ''
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = Date.now() + patience * 1000
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`not within ${patience} s: ${what}`)
    await sleep(200)
  }
}

function assertEqual(value: unknown, expected: unknown): void {
  if (JSON.stringify(value) !== JSON.stringify(expected))
    throw new Error(`${JSON.stringify(value)}; expected ${JSON.stringify(expected)}`)
}

function buildah(...argv: readonly string[]): string {
  return execFileSync('buildah', argv, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}
