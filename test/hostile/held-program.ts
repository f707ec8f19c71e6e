/**
 * Prints which threads held the loop of the kernel for long, and how the attack ended. Arguments: where the hostile
 * code lives, and how many objects its message holds.
 */
import { join } from 'node:path'
import { TurnWatch } from '../fuzz/lib/turns.ts'

const watch = new TurnWatch(50)
const { processes } = await import('troupe')
const { startApp } = await import('troupe/test')
const [isolation = 'thread', objects = '2000000'] = process.argv.slice(2)

await using app = await startApp({
  root: join(import.meta.dirname, '../fixtures/hostile'),
  entries: [
    { id: 'app:host', kind: 'process.host', host: { isolation, spares: 0 }, lifecycle: { auto_start: true } },
    ...['heap', 'honest'].map((method) => ({
      id: `app:${method}`,
      kind: 'process.ts',
      source: 'file://heaps.ts',
      method,
    })),
  ],
})
const result = await app.app.run(async () => {
  await processes.exec('app:honest', 'app:host')
  await watch.take()
  const pid = await processes.spawn('app:heap', 'app:host', Number(objects))
  const end = await processes.exited(pid)
  const long = (await watch.take()).filter(({ thread }) => thread !== undefined && thread !== 0)
  return {
    end: 'error' in end ? end.error.message : 'returned',
    long,
    others: await processes.exec('app:honest', 'app:host'),
  }
})
process.stdout.write(`${JSON.stringify({ ...result, log: app.log })}\n`)
