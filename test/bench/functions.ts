/**
 * `npm run bench:functions`: function calls against bare piscina in the same run, and decisions. Ratios and medians;
 * the machine may be busy.
 */
import { setTimeout } from 'node:timers/promises'
import { Piscina } from 'piscina'
import { funcs, processes } from 'troupe'
import { boot } from 'troupe/app'
import { conditioned, decisionCost, mixed } from './decision.ts'
import { type Line, median, printTable, rounds, scaled } from './measure.ts'

const app = (name: string) => ({ root: new URL(`./${name}`, import.meta.url).pathname, onLog: () => undefined })
const filename = new URL('./functions-app/src/add.ts', import.meta.url).href

type Call = (i: number) => Promise<unknown>

/** Calls per second with `inFlight` concurrent calls. */
async function rate(call: Call, inFlight: number, count: number): Promise<number> {
  const start = performance.now()
  let next = 0
  const lane = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return (count / (performance.now() - start)) * 1000
}

interface Compared {
  readonly here: number
  readonly peer: number
  readonly ratio: number
}

/** Alternates between both, so that other load on the machine affects them equally. */
async function compared(here: Call, peer: Call, inFlight: number, count: number): Promise<Compared> {
  await rate(here, inFlight, count)
  await rate(peer, inFlight, count)
  const turns: { readonly here: number; readonly peer: number }[] = []
  for (let turn = 0; turn < scaled(11, 1); turn += 1)
    turns.push({ peer: await rate(peer, inFlight, count), here: await rate(here, inFlight, count) })
  return {
    here: median(turns.map((turn) => turn.here)),
    peer: median(turns.map((turn) => turn.peer)),
    ratio: median(turns.map((turn) => turn.here / turn.peer)),
  }
}

function target(text: string, met: boolean): NonNullable<Line['target']> {
  return { text, met }
}

async function fromProcess(program: string, id: string, count: number): Promise<number> {
  return rounds(5, async () => Number(await processes.exec(`bench:${program}`, 'bench:threads', id, count)))
}

async function inline(): Promise<Line[]> {
  const plain = await fromProcess('plain', 'bench:inline', scaled(300_000, 2000))
  // In another network the function runs in a thread of that network, and no longer in the caller's.
  const overlay = await fromProcess('through_overlay', 'bench:inline', scaled(10_000, 100))
  return [
    { what: 'inline call', figure: plain, unit: '/s', target: target('≥ 300k/s', plain >= 300_000) },
    { what: 'the same in another network', figure: overlay, unit: '/s', peer: { name: 'inline', figure: plain } },
  ]
}

/**
 * Against piscina called directly: first with a thread that sleeps in its event loop, where connections are served, as
 * ours do; then with its defaults.
 */
async function pooled(): Promise<Line[]> {
  const lines: Line[] = []
  for (const [name, atomics] of [
    ['piscina', 'disabled'],
    ['piscina, its loop asleep', 'sync'],
  ] as const) {
    const piscina = new Piscina({ filename, minThreads: 1, maxThreads: 1, atomics, recordTiming: false })
    const ours: Call = async (i) => funcs.call('bench:pooled', { a: i, b: 1 })
    const bare: Call = async (i) => piscina.run({ a: i, b: 1 })
    for (const [what, inFlight, count] of [
      ['pool, one after the other', 1, scaled(5000, 50)],
      ['pool, 64 in flight', 64, scaled(25_000, 256)],
    ] as const) {
      const { here, peer, ratio } = await compared(ours, bare, inFlight, count)
      const line = { what, figure: here, unit: '/s', peer: { name, figure: peer, ratio } }
      lines.push(atomics === 'disabled' ? { ...line, target: target('≥ 0.9 ×', ratio >= 0.9) } : line)
    }
    await piscina.destroy()
  }
  const figure = await fromProcess('plain', 'bench:pooled', scaled(10_000, 100))
  return [
    ...lines,
    {
      what: 'pool, from a process, one after the other',
      figure,
      unit: '/s',
      target: target('≥ 12k/s', figure >= 12_000),
    },
  ]
}

/**
 * The first call in each of several networks, in a pool with spare threads, against a process in a spare thread of a
 * host.
 */
async function firstCalls(): Promise<Line[]> {
  const times: { readonly call: number; readonly spawn: number }[] = []
  const took = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    await work()
    return performance.now() - start
  }
  // Until the threads are warm.
  await setTimeout(scaled(10_000, 500))
  for (let n = 0; n < 6; n += 1) {
    const spawn = await took(async () => processes.exec('bench:nothing', 'bench:threads'))
    const call = await took(async () => funcs.withOptions({ network: `bench:once_${n}` }).call('bench:spread'))
    times.push({ call, spawn })
    await setTimeout(scaled(1000, 100))
  }
  const [call, spawn] = [median(times.map((time) => time.call)), median(times.map((time) => time.spawn))]
  const ratio = median(times.map((time) => time.call / time.spawn))
  return [
    {
      what: 'first call in a new network',
      figure: call,
      unit: 'ms',
      peer: { name: 'warm thread', figure: spawn, ratio },
      target: target('≤ 1 ×', ratio <= 1),
    },
  ]
}

function decisions(): Line[] {
  const { microseconds, bytes } = decisionCost(scaled(500_000, 5000), mixed)
  const each = decisionCost(scaled(500_000, 5000), conditioned)
  return [
    {
      what: 'decision, 100 policies in scope',
      figure: microseconds,
      unit: 'µs',
      target: target('≤ 2 µs', microseconds <= 2),
    },
    {
      what: 'decision, a condition on each of 100 policies',
      figure: each.microseconds,
      unit: 'µs',
      target: target('≤ 2 µs', each.microseconds <= 2),
    },
    {
      what: 'heap that a decision takes',
      figure: Math.max(bytes, each.bytes),
      unit: 'B',
      target: target('< 1 B', Math.max(bytes, each.bytes) < 1),
    },
  ]
}

/** The lines that `lines` measures in its own application. */
async function within(name: string, lines: () => Promise<Line[]>): Promise<Line[]> {
  await using application = await boot(app(name))
  return await application.run(lines)
}

printTable('Functions', [
  ...(await within('functions-app', async () => [...(await inline()), ...(await pooled())])),
  ...(await within('networks-app', firstCalls)),
  ...decisions(),
])
