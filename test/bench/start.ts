/**
 * `npm run bench:start`: how long installed programs take beyond bare Node, and how much memory; and how long their
 * threads take to start. The packages are those that would be published, in a folder of their own. Rounds alternate
 * with bare Node. On a busy machine, run it with `chrt -r 5`.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempDisposableSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { median, now, printTable, scaled } from './measure.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const runs = scaled(15, 1)

interface Cost {
  /** Milliseconds from start to end. */
  readonly wall: number
  /** Milliseconds of the processor, of all threads. */
  readonly cpu: number
  /** Peak memory in MB. */
  readonly memory: number
}

using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-bench-start-'))
const troupe = await install(folder.path)
const usage = join(folder.path, 'usage.mjs')
cpSync(join(import.meta.dirname, 'usage.mjs'), usage)
await run(process.execPath, [troupe, 'init', 'hello'], { cwd: folder.path })

const programs = {
  bare: ['-e', '0'],
  run: [troupe, '--root', 'hello', 'run', 'hello', 'Ada'],
  check: [troupe, '--root', 'hello', 'check'],
  import: ['--input-type=module', '-e', `await import('troupe/app')`],
}
const costs: Record<keyof typeof programs, Cost[]> = { bare: [], run: [], check: [], import: [] }
for (let round = 0; round <= runs; round += 1) {
  for (const name of ['bare', 'run', 'check', 'import'] as const) {
    const cost = await costOf(programs[name])
    // The first round fills the compile cache.
    if (round > 0) costs[name].push(cost)
  }
}

const beyond = (name: keyof typeof programs, of: keyof Cost) =>
  median(costs[name].map((cost, round) => cost[of] - (costs.bare[round]?.[of] ?? Number.NaN)))
const bare = (of: keyof Cost) => median(costs.bare.map((cost) => cost[of]))
const line = (name: keyof typeof programs, of: keyof Cost, what: string, most?: number) => ({
  what,
  figure: beyond(name, of),
  unit: of === 'memory' ? 'MB' : 'ms',
  peer: { name: 'bare Node', figure: bare(of) },
  ...(most !== undefined && { target: { text: `<= ${most}`, met: beyond(name, of) <= most } }),
})
printTable('start, beyond bare Node', [
  line('run', 'wall', 'troupe run hello', 150),
  line('run', 'cpu', 'troupe run hello, processor'),
  line('run', 'memory', 'troupe run hello, peak memory', 45),
  line('check', 'wall', 'troupe check', 150),
  line('import', 'wall', "import 'troupe/app'", 60),
])

await printThreads()

/** Threads of an installed application, against bare workers in the same run. */
async function printThreads(): Promise<void> {
  const program = join(folder.path, 'start-threads.mjs')
  cpSync(join(import.meta.dirname, 'start-threads.mjs'), program)
  const argv = [program, join(folder.path, 'threads'), String(runs)]
  const { stdout } = await run(process.execPath, argv, { cwd: folder.path })
  const each = z.array(z.number())
  // Node 24 has no sealed threads.
  const shape = z.object({ bare: each, cold: each, sealed: each.default([]), warm: each })
  const times = shape.parse(JSON.parse(stdout))
  const peer = { name: 'bare worker', figure: median(times.bare) }
  const thread = (name: 'cold' | 'sealed' | 'warm', what: string, text: string, isMet: (figure: number) => boolean) => {
    const ratio = median(times[name].map((time, round) => time / (times.bare[round] ?? Number.NaN)))
    const figure = median(times[name])
    const met = isMet(name === 'warm' ? figure : ratio)
    return { what, figure, unit: 'ms', peer: { ...peer, ratio }, target: { text, met } }
  }
  printTable('spawn to user code', [
    thread('cold', 'a cold thread', '<= 1.5 x', (ratio) => ratio <= 1.5),
    ...(times.sealed.length === 0 ? [] : [thread('sealed', 'a cold thread, sealed', '<= 3 x', (ratio) => ratio <= 3)]),
    thread('warm', 'a warm thread, without preload', '<= 1 ms', (figure) => figure <= 1),
  ])
}

/** Installs the packages that would be published, and returns the path of the program `troupe`. */
async function install(target: string): Promise<string> {
  await run('npx', ['tsc', '-b'], { cwd: root })
  const publish = join(target, 'publish')
  const script =
    "import { preparePublish } from './scripts/prepare-publish.ts'; await preparePublish('.', process.argv[1])"
  await run(process.execPath, ['--input-type=module-typescript', '-e', script, publish], { cwd: root })
  const modules = join(target, 'node_modules')
  mkdirSync(join(modules, '@troupe'), { recursive: true })
  for (const name of readdirSync(publish))
    cpSync(join(publish, name), join(modules, name === 'troupe' ? name : `@troupe/${name}`), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== 'troupe' && name !== '@troupe' && !name.startsWith('.'))
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
  rmSync(publish, { recursive: true })
  return join(modules, 'troupe/dist/troupe.js')
}

async function costOf(argv: readonly string[]): Promise<Cost> {
  const start = now()
  const { stderr } = await run(process.execPath, ['--import', usage, ...argv], {
    cwd: folder.path,
    env: { ...process.env, NODE_V8_COVERAGE: undefined, NODE_OPTIONS: undefined },
  })
  const wall = now() - start
  const [, cpu = '', memory = ''] = /usage (\d+) (\d+)/.exec(stderr) ?? []
  return { wall, cpu: Number(cpu) / 1000, memory: Number(memory) / 1024 }
}
