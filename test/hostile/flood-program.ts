/**
 * Runs one flood, and prints how it ended, what was logged, and whether others still run. Arguments: where the sender
 * and the receiver live, and which flood.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processes } from 'troupe'
import { startApp } from 'troupe/test'

/** Milliseconds for which the receiver does not read. */
const blocked = 3000
const [from = 'thread', to = 'thread', kind = 'sends', manner = 'waits', count = '1000'] = process.argv.slice(2)
const waits = manner === 'waits'
const host = (id: string, isolation: string) => ({
  id,
  kind: 'process.host',
  host: { isolation, spares: 0, ...(isolation === 'shared' && { workers: 1 }) },
  lifecycle: { auto_start: true },
})
const program = (method: string) => ({ id: `app:${method}`, kind: 'process.ts', source: 'file://floods.ts', method })

await using app = await startApp({
  root: join(import.meta.dirname, '../fixtures/hostile'),
  entries: [
    host('app:from', from),
    host('app:to', to),
    ...['reader', 'flood', 'callFlood', 'rawCallFlood', 'rawFlood', 'honest'].map(program),
    { id: 'app:slow', kind: 'function.ts', source: 'file://floods.ts', method: 'slow', pool: { min: 0, max: 1 } },
  ],
})

const flooded = async (): Promise<unknown> => {
  if (kind === 'calls') return processes.exec('app:callFlood', 'app:from', Number(count), waits)
  if (kind === 'raw calls') return processes.exec('app:rawCallFlood', 'app:from', Number(count))
  const reader = await processes.spawn('app:reader', 'app:to')
  await processes.call(reader, 'count')
  const method = kind === 'frames' ? 'app:rawFlood' : 'app:flood'
  const flooder = await processes.spawn(method, 'app:from', reader, Number(count), waits)
  await processes.send(reader, 'block', blocked)
  const end = await processes.exited(flooder)
  if ('error' in end) throw end.error
  let bytes: unknown
  // Messages of different senders may overtake each other.
  for (let look = 0; bytes !== Number(count) << 20 && look < 500; look += 1) {
    await sleep(10)
    bytes = await processes.call(reader, 'count')
  }
  return { longest: end.value, bytes }
}

const result = await app.app.run(async () => {
  const outcome = await flooded().then(
    (value) => ({ value }),
    (error: unknown) => ({ error: String(error) }),
  )
  return {
    outcome,
    others: await processes.exec('app:honest', 'app:from'),
    rest: await processes.exec('app:honest', 'app:to'),
  }
})
process.stdout.write(`${JSON.stringify({ ...result, log: app.log })}\n`)
