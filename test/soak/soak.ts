/**
 * `npm run soak`: 200 processes that exchange messages, while threads are killed, loop, run out of heap and flood each
 * other, for `SOAK_SECONDS` (60). Then every letter must have a fate, no thread, port or timer may be left, and the
 * memory must be released.
 */
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as pause } from 'node:timers/promises'
import { type Pid, processes, threadOf } from 'troupe'
import { type Application, boot } from 'troupe/app'
import { Ledger } from './app/src/ledger.ts'

const seconds = Number(process.env['SOAK_SECONDS'] ?? 60)
const letters = 4_000_000
const threadHost = 'soak:threads'
const sharedHost = 'soak:shared'
const crowd = { [threadHost]: 12, [sharedHost]: 188 }
const griefs = ['throw', 'timer', 'reject', 'flood', 'exit', 'loop', 'heap'] as const

const shared = Ledger.create(letters)
const ledger = new Ledger(shared)
const living = new Map<Pid, string>()
const ends = new Map<string, number>()
/** Threads that were not killed. */
const survivors = new Set<number>()

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

let published = 0
subscribe('troupe:dead-letter', (letter) => {
  published += 1
  const number = Number(field(letter, 'topic'))
  if (Number.isInteger(number)) ledger.dead(number)
})

async function spawn(host: string): Promise<void> {
  const pid = await processes.spawn('soak:actor', host, shared)
  living.set(pid, host)
  void processes.exited(pid).then((exit) => {
    living.delete(pid)
    const how = 'error' in exit ? exit.error.message.slice(0, 40) : 'returned'
    ends.set(how, (ends.get(how) ?? 0) + 1)
  })
}

function any<T>(values: readonly T[]): T | undefined {
  return values[Math.floor(Math.random() * values.length)]
}

async function refill(): Promise<void> {
  for (const [host, count] of Object.entries(crowd)) {
    const missing = count - [...living.values()].filter((where) => where === host).length
    await Promise.all(Array.from({ length: Math.max(0, missing) }, async () => spawn(host)))
  }
  const pids = [...living.keys()]
  for (const pid of pids)
    processes.trySend(
      pid,
      'peers',
      Array.from({ length: 8 }, () => any(pids)),
    )
}

/** Causes one failure. Shared threads get fewer of those that end a whole thread. */
async function strike(): Promise<void> {
  const pid = any([...living.keys()])
  if (pid === undefined) return
  const grief = any(griefs) ?? 'throw'
  const isHard = grief === 'exit' || grief === 'loop' || grief === 'heap'
  if (isHard && living.get(pid) === sharedHost && Math.random() < 0.9) return
  processes.trySend(pid, 'grief', grief)
  if (grief !== 'loop' && Math.random() < 0.7) return
  await pause(100)
  await processes.terminate(pid).catch(() => undefined)
}

async function soak(app: Application): Promise<void> {
  await refill()
  const until = Date.now() + seconds * 1000
  let round = 0
  while (Date.now() < until) {
    await strike()
    await pause(20)
    round += 1
    if (round % 10 === 0) await refill()
  }
  for (const pid of living.keys()) survivors.add(threadOf(pid))
  for (const pid of living.keys()) void processes.cancel(pid).catch(() => undefined)
  const patience = Date.now() + 10_000
  while (living.size > 0 && Date.now() < patience) await pause(50)
  await Promise.all([...living.keys()].map(async (pid) => processes.terminate(pid).catch(() => undefined)))
  while (living.size > 0) await pause(20)
  await pause(200)
  console.log(`threads at the end: ${app.kernel.threads.size} (the main one, 3 shared, 1 spare)`)
}

const before = process.memoryUsage.rss()
const app = await boot({ root: new URL('./app', import.meta.url).pathname, onLog: () => undefined })
await app.run(async () => soak(app))
const untold = app.kernel.deadLetters.count - published
await app.stop()
const sum = ledger.sum(survivors)
// The last handles close in a later turn.
await pause(200)
globalThis.gc?.()
const left = process.getActiveResourcesInfo().filter((kind) => !['TTYWrap', 'PipeWrap', 'FSReqCallback'].includes(kind))
const grown = (process.memoryUsage.rss() - before) / 1e6

console.log(`letters: ${JSON.stringify(sum)}; dead letters published one by one ${published}, only counted ${untold}`)
console.log(`ends: ${JSON.stringify(Object.fromEntries(ends))}`)
console.log(
  `threads left: ${app.kernel.threads.size}; resources left: ` +
    `${JSON.stringify(left)}; memory grown by ${grown.toFixed(0)} MB`,
)
const problems = [
  ...(sum.lost - sum.orphaned > untold
    ? [`${sum.lost - sum.orphaned} letters have no fate, and only ${untold} dead letters were not published one by one`]
    : []),
  ...(app.kernel.threads.size > 1 ? ['threads are left'] : []),
  ...(left.length > 1 ? [`resources are left: ${left.join(', ')}`] : []),
]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
