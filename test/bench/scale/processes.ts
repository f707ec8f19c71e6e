/** Points of the curves of processes: many in one thread, many threads, many senders. */
import { type Pid, processes } from 'troupe'
import { boot } from 'troupe/app'
import { scaled } from '../measure.ts'

const root = new URL('./app', import.meta.url).pathname

async function run(program: string, ...args: unknown[]): Promise<unknown> {
  return processes.exec(`scale:${program}`, 'scale:one', ...args)
}

export async function crowd(count: number): Promise<Readonly<Record<string, number>>> {
  await boot({ root, onLog: () => undefined })
  const figures = await run('crowd', count)
  if (typeof figures !== 'object' || figures === null) throw new Error('the process measured nothing')
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Number(value)]))
}

export async function threads(count: number): Promise<Readonly<Record<string, number>>> {
  await boot({ root, onLog: () => undefined })
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  const start = performance.now()
  const pids: Pid[] = []
  for (let i = 0; i < count; i += 1) {
    const pid = await processes.spawn('scale:idle', 'scale:threads')
    await processes.call(pid, 'hello')
    pids.push(pid)
  }
  return {
    megabytes: (process.memoryUsage.rss() - before) / count / 1e6,
    milliseconds: (performance.now() - start) / count,
  }
}

export async function senders(count: number): Promise<Readonly<Record<string, number>>> {
  await boot({ root, onLog: () => undefined })
  const each = Math.max(1, Math.ceil(scaled(1_000_000, 100) / count))
  const { pid: sink, exited } = await processes.spawnWatched('scale:sink', 'scale:one', each * count)
  for (let i = 0; i < count; i += 1) await processes.spawn('scale:flood', 'scale:two', sink, each)
  const ended = await exited
  if ('error' in ended) throw ended.error
  return { messages: Number(ended.value) }
}
