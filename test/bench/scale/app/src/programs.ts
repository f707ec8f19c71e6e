/** The processes of the scale bench. Each measures itself. */
import { PerformanceObserver } from 'node:perf_hooks'
import { type Pid, processes, self } from 'troupe'

const now = () => performance.timeOrigin + performance.now()

export async function idle(): Promise<void> {
  for await (const message of self.inbox) message.reply()
}

/** Spawns `count` idle processes in its own thread. */
export async function crowd(count: number): Promise<Readonly<Record<string, number>>> {
  let pause = 0
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pause = Math.max(pause, duration)
  })
  let last = await processes.spawn('scale:idle', 'scale:one')
  await processes.call(last, 'hello')
  globalThis.gc?.()
  observer.observe({ entryTypes: ['gc'] })
  const before = process.memoryUsage().heapUsed
  const start = now()
  for (let i = 0; i < count; i += 1) last = await processes.spawn('scale:idle', 'scale:one')
  await processes.call(last, 'hello')
  const seconds = (now() - start) / 1000
  await new Promise((resolve) => setImmediate(resolve))
  const longest = pause
  observer.disconnect()
  globalThis.gc?.()
  return {
    bytes: (process.memoryUsage().heapUsed - before) / count,
    spawns: count / seconds,
    pause: longest,
  }
}

/** Takes `count` messages; returns how many a second. */
export async function sink(count: number): Promise<number> {
  let start = 0
  let left = count
  for await (const _ of self.inbox) {
    if (left === count) start = now()
    left -= 1
    if (left === 0) break
  }
  return count / ((now() - start) / 1000)
}

/** Sends `count` messages as fast as the receiver takes them. */
export async function flood(to: Pid, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    if (!processes.trySend(to, 'm', i)) await processes.send(to, 'm', i)
  }
  await processes.exited(to)
}
