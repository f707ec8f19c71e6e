/**
 * `npm run bench:frameworks`: messages and processes beside other actor and fiber libraries, and calls beside other
 * pools of threads, in turn in one run. Each is used as its documentation shows. The machine may be busy: trust ratios.
 */
import { join } from 'node:path'
import { Piscina } from 'piscina'
import { FixedThreadPool } from 'poolifier'
import { Tinypool } from 'tinypool'
import { funcs, processes } from 'troupe'
import { boot } from 'troupe/app'
import { effectMessages, effectReplies, effectSpawns } from './framework-effect.ts'
import { nactMessages, nactReplies, nactSpawns } from './framework-nact.ts'
import { type Line, median, printTable, scaled } from './measure.ts'

const turns = scaled(7, 1)
const host = 'bench:one'

/** Operations per second. */
type Measure = () => Promise<number>

/** Measures in turn, so that other load on the machine affects all equally. */
async function compared(what: string, ours: Measure, others: Readonly<Record<string, Measure>>): Promise<Line[]> {
  const names = Object.keys(others)
  const all = [ours, ...Object.values(others)]
  for (const measure of all) await measure()
  const results: number[][] = []
  for (let turn = 0; turn < turns; turn += 1) {
    const row: number[] = []
    for (const measure of all) row.push(await measure())
    results.push(row)
  }
  const column = (index: number) => median(results.map((row) => row[index] ?? Number.NaN))
  return names.map((name, index) => ({
    what,
    figure: column(0),
    unit: '/s',
    peer: {
      name,
      figure: column(index + 1),
      ratio: median(results.map((row) => (row[0] ?? Number.NaN) / (row[index + 1] ?? Number.NaN))),
    },
  }))
}

async function figure(program: string, ...args: readonly unknown[]): Promise<number> {
  return Number(await processes.exec(`bench:${program}`, host, ...args))
}

async function oneWay(count: number): Promise<number> {
  const { pid: sink, exited } = await processes.spawnWatched('bench:sink', host, count)
  await processes.spawn('bench:flood', host, sink, count)
  const ended = await exited
  if ('error' in ended) throw ended.error
  return count / Number(ended.value)
}

async function replies(count: number): Promise<number> {
  const callee = await processes.spawn('bench:replier', host)
  const microseconds = await figure('caller', callee, count)
  await processes.terminate(callee)
  return 1e6 / microseconds
}

async function messages(): Promise<Line[]> {
  const [sent, called, spawned] = [scaled(500_000, 2000), scaled(100_000, 500), scaled(50_000, 500)]
  return [
    ...(await compared('messages to one process', async () => oneWay(sent), {
      nact: async () => nactMessages(sent),
      Effect: async () => effectMessages(sent),
    })),
    ...(await compared('calls, one after the other', async () => replies(called), {
      nact: async () => nactReplies(called),
      Effect: async () => effectReplies(called),
    })),
    ...(await compared('processes, start to end', async () => figure('churn', spawned, 100), {
      nact: async () => nactSpawns(spawned),
      Effect: async () => effectSpawns(spawned),
    })),
  ]
}

type Call = (argument: { readonly a: number; readonly b: number }) => Promise<unknown>

function rate(call: Call, inFlight: number, count: number): Measure {
  return async () => {
    const start = performance.now()
    let next = 0
    const caller = async () => {
      while (next < count) await call({ a: next++, b: 1 })
    }
    await Promise.all(Array.from({ length: inFlight }, caller))
    return (count / (performance.now() - start)) * 1000
  }
}

async function pools(): Promise<Line[]> {
  const filename = join(import.meta.dirname, 'functions-app/src/add.ts')
  const piscina = new Piscina({ filename, minThreads: 2, maxThreads: 2 })
  const tinypool = new Tinypool({ filename, minThreads: 2, maxThreads: 2 })
  const poolifier = new FixedThreadPool<{ a: number; b: number }, number>(
    2,
    join(import.meta.dirname, 'framework-poolifier.ts'),
  )
  const calls: Readonly<Record<string, Call>> = {
    piscina: async (argument): Promise<unknown> => piscina.run(argument),
    tinypool: async (argument): Promise<unknown> => tinypool.run(argument),
    poolifier: async (argument) => poolifier.execute(argument),
  }
  const ours: Call = async (argument) => funcs.call('bench:two_threads', argument)
  const lines: Line[] = []
  for (const [what, inFlight, count] of [
    ['pool of 2 threads, one after the other', 1, scaled(5000, 50)],
    ['pool of 2 threads, 64 in flight', 64, scaled(20_000, 256)],
  ] as const) {
    const others = Object.entries(calls).map(([name, call]) => [name, rate(call, inFlight, count)] as const)
    lines.push(...(await compared(what, rate(ours, inFlight, count), Object.fromEntries(others))))
  }
  await Promise.all([piscina.destroy(), tinypool.destroy(), poolifier.destroy()])
  return lines
}

async function within(name: string, lines: () => Promise<Line[]>): Promise<Line[]> {
  await using app = await boot({ root: join(import.meta.dirname, name), onLog: () => undefined })
  return await app.run(lines)
}

printTable('Beside other libraries', [
  ...(await within('process-app', messages)),
  ...(await within('functions-app', pools)),
])
