/**
 * `npm run bench:validation`: what it costs that messages of threads are validated and weighed, on each line of
 * `bench:process` and `bench:functions` that sends any. Each round measures with and without, one after the other, so
 * that other load on the machine affects both equally. The ratio is the median of the rounds.
 */
import { parseArgs } from 'node:util'
import { funcs, type Pid, processes } from 'troupe'
import { boot } from 'troupe/app'
import { format, type Line, median, now, printTable, scaled } from './measure.ts'
import { validate } from './validation-switch.ts'

/** `--line pool` measures only lines with that in their names. */
const { values } = parseArgs({ options: { line: { type: 'string', default: '' }, quick: { type: 'boolean' } } })
const chosen = values.line

/** Parts of the work that validation may take. */
const most = 0.03

interface Measured {
  readonly what: string
  readonly unit: 'ms' | '/s' | 'µs'
  /** @default 15 */
  readonly rounds?: number
  readonly once: () => Promise<number>
}

async function compare({ what, unit, rounds = 15, once }: Measured): Promise<Line> {
  const pairs: { readonly on: number; readonly off: number }[] = []
  const measured = async (on: boolean) => {
    validate(on)
    return once()
  }
  for (const on of [true, false]) await measured(on)
  for (let round = 0; round < scaled(rounds, 1); round += 1) {
    const isFirst = round % 2 === 0
    const first = await measured(isFirst)
    const second = await measured(!isFirst)
    pairs.push(isFirst ? { on: first, off: second } : { on: second, off: first })
  }
  validate(true)
  // How much longer it takes, whatever the unit.
  const ratio = median(pairs.map(({ on, off }) => (unit === '/s' ? off / on : on / off)))
  const off = median(pairs.map((pair) => pair.off))
  return {
    what,
    figure: median(pairs.map(({ on }) => on)),
    unit,
    peer: { name: 'without', figure: off, ratio },
    target: { text: `≤ ${format(1 + most)} ×`, met: ratio <= 1 + most },
  }
}

async function figure(program: string, host: string, ...args: unknown[]): Promise<number> {
  return Number(await processes.exec(`bench:${program}`, host, ...args))
}

async function spawnTime(host: string, pause: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, pause))
  const start = now()
  return (await figure('stamp', host)) - start
}

async function oneWay(from: string, to: string, senders: number, count: number): Promise<number> {
  const { pid: sink, exited: exit } = await processes.spawnWatched('bench:sink', to, count)
  for (let i = 0; i < senders; i += 1) await processes.spawn('bench:flood', from, sink, count / senders)
  const ended = await exit
  if ('error' in ended) throw ended.error
  return count / Number(ended.value)
}

async function pingPong(host: string, trips: number): Promise<number> {
  const echo: Pid = await processes.spawn('bench:echo', host)
  const rate = await figure('ping', 'bench:one', echo, trips)
  await processes.terminate(echo)
  return rate
}

const [one, two] = ['bench:one', 'bench:two']
const ofProcesses: readonly Measured[] = [
  {
    what: 'thread, warm: spawn to user code',
    unit: 'ms',
    rounds: 25,
    once: async () => spawnTime('bench:threads', 80),
  },
  {
    what: 'thread, warm, module preloaded',
    unit: 'ms',
    rounds: 25,
    once: async () => spawnTime('bench:preloaded', 80),
  },
  { what: 'thread, cold: spawn to user code', unit: 'ms', rounds: 25, once: async () => spawnTime('bench:cold', 0) },
  {
    what: 'shared: spawnMonitored to EXIT',
    unit: '/s',
    once: async () => figure('churn', one, scaled(50_000, 500), 100),
  },
  { what: 'shared: crash to EXIT', unit: 'µs', once: async () => figure('crashes', one, scaled(1000, 50)) },
  { what: 'ping-pong, same thread', unit: '/s', once: async () => pingPong(one, scaled(100_000, 1000)) },
  { what: 'ping-pong, two threads', unit: '/s', once: async () => pingPong(two, scaled(10_000, 500)) },
  { what: 'one way, same thread', unit: '/s', once: async () => oneWay(one, one, 1, scaled(400_000, 8000)) },
  {
    what: 'one way, two threads',
    unit: '/s',
    rounds: 25,
    once: async () => oneWay(one, two, 1, scaled(800_000, 8000)),
  },
  { what: '8 senders to one, same thread', unit: '/s', once: async () => oneWay(one, one, 8, scaled(400_000, 8000)) },
]

/** Calls per second with `inFlight` concurrent calls. */
async function rate(inFlight: number, count: number): Promise<number> {
  const start = performance.now()
  let next = 0
  const lane = async () => {
    for (; next < count; ) await funcs.call('bench:pooled', { a: next++, b: 1 })
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return (count / (performance.now() - start)) * 1000
}

const ofFunctions: readonly Measured[] = [
  {
    what: 'inline call',
    unit: '/s',
    once: async () => figure('plain', 'bench:threads', 'bench:inline', scaled(100_000, 2000)),
  },
  {
    what: 'the same in another network',
    unit: '/s',
    once: async () => figure('through_overlay', 'bench:threads', 'bench:inline', scaled(5000, 100)),
  },
  { what: 'pool, one after the other', unit: '/s', rounds: 25, once: async () => rate(1, scaled(4000, 50)) },
  { what: 'pool, 64 in flight', unit: '/s', rounds: 25, once: async () => rate(64, scaled(20_000, 256)) },
  {
    what: 'pool, from a process, one after the other',
    unit: '/s',
    rounds: 25,
    once: async () => figure('plain', 'bench:threads', 'bench:pooled', scaled(4000, 100)),
  },
]

async function within(name: string, lines: readonly Measured[]): Promise<Line[]> {
  const root = new URL(`./${name}`, import.meta.url).pathname
  await using app = await boot({ root, onLog: () => undefined })
  return await app.run(async () => {
    const compared: Line[] = []
    for (const line of lines) if (line.what.includes(chosen)) compared.push(await compare(line))
    return compared
  })
}

for (const [title, name, lines] of [
  ['Processes, validated', 'process-app', ofProcesses],
  ['Functions, validated', 'functions-app', ofFunctions],
] as const) {
  const compared = await within(name, lines)
  if (compared.length > 0) printTable(title, compared)
}
