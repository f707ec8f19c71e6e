/** `npm run bench:functions`: function calls against bare piscina in the same run, and decisions. Ratios and medians; the machine may be busy. */
import { Piscina } from 'piscina'
import { funcs, processes } from 'troupe'
import { boot } from 'troupe/app'
import { conditioned, decisionCost, mixed } from './decision.ts'
import { type Line, printTable, rounds } from './measure.ts'

const root = new URL('./functions-app', import.meta.url).pathname
const filename = new URL('./functions-app/src/add.ts', import.meta.url).href

type Call = (i: number) => Promise<unknown>

/** Calls per second with `inFlight` of them on their way at any time. */
async function rate(call: Call, inFlight: number, count: number): Promise<number> {
  const start = performance.now()
  let next = 0
  const lane = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return (count / (performance.now() - start)) * 1000
}

/** Both by turns, so that what else the machine does burdens both. */
async function compared(
  here: Call,
  peer: Call,
  inFlight: number,
  count: number,
): Promise<{ readonly here: number; readonly peer: number }> {
  await rate(here, inFlight, count)
  await rate(peer, inFlight, count)
  const peers: number[] = []
  const median = await rounds(7, async () => {
    peers.push(await rate(peer, inFlight, count))
    return rate(here, inFlight, count)
  })
  const [middle = Number.NaN] = peers.toSorted((a, b) => a - b).slice(3)
  return { here: median, peer: middle }
}

function target(text: string, met: boolean): NonNullable<Line['target']> {
  return { text, met }
}

async function fromProcess(program: string, id: string, count: number): Promise<number> {
  return rounds(5, async () => Number(await processes.exec(`bench:${program}`, 'bench:threads', id, count)))
}

async function inline(): Promise<Line[]> {
  const plain = await fromProcess('plain', 'bench:inline', 300_000)
  const overlay = await fromProcess('through_overlay', 'bench:inline', 300_000)
  const extra = 1e6 / overlay - 1e6 / plain
  return [
    { what: 'inline call', figure: plain, unit: '/s', target: target('≥ 300k/s', plain >= 300_000) },
    { what: 'inline call, more with an overlay option', figure: extra, unit: 'µs', target: target('≤ 1 µs', extra <= 1) },
  ]
}

async function pooled(): Promise<Line[]> {
  // One thread, as the entry's pool; and like it, one that sleeps in its event loop, where connections are served.
  const options = { filename, minThreads: 1, maxThreads: 1, atomics: 'disabled', recordTiming: false } as const
  const piscina = new Piscina(options)
  const ours: Call = async (i) => funcs.call('bench:pooled', { a: i, b: 1 })
  const bare: Call = async (i) => piscina.run({ a: i, b: 1 })
  const one = await compared(ours, bare, 1, 10_000)
  const many = await compared(ours, bare, 64, 50_000)
  await piscina.destroy()
  const process = await fromProcess('plain', 'bench:pooled', 10_000)
  return [
    {
      what: 'pool, one after the other',
      figure: one.here,
      unit: '/s',
      peer: { name: 'piscina', figure: one.peer },
      target: target('≥ 0.9 ×', one.here >= 0.9 * one.peer),
    },
    {
      what: 'pool, 64 in flight',
      figure: many.here,
      unit: '/s',
      peer: { name: 'piscina', figure: many.peer },
      target: target('≥ 0.9 ×', many.here >= 0.9 * many.peer),
    },
    { what: 'pool, from a process, one after the other', figure: process, unit: '/s', target: target('≥ 12k/s', process >= 12_000) },
  ]
}

function decisions(): Line[] {
  const { microseconds, bytes } = decisionCost(500_000, mixed)
  const each = decisionCost(500_000, conditioned)
  return [
    { what: 'decision, 100 policies in scope', figure: microseconds, unit: 'µs', target: target('≤ 2 µs', microseconds <= 2) },
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

await using app = await boot({ root, onLog: () => undefined })
await app.run(async () => {
  printTable('Functions', [...(await inline()), ...(await pooled()), ...decisions()])
})
