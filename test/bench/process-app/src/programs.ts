/** The processes of the process benchmark. Each measures itself, in microseconds or operations per second. */
import { once } from 'node:events'
import net from 'node:net'
import { type Pid, processes, self } from 'troupe'

const now = () => performance.timeOrigin + performance.now()
const host = 'bench:one'

/** When the first line of user code ran. */
export function stamp(): number {
  return now()
}

export async function idle(): Promise<void> {
  for await (const message of self.inbox) {
    if (message.topic === 'stop') return
    message.reply()
  }
}

export function nothing(): void {}

export function crash(): never {
  throw Object.assign(new Error('crash'), { at: now() })
}

export async function echo(): Promise<void> {
  for await (const message of self.inbox) processes.trySend(message.from, 'pong', message.payload)
}

/** Takes `count` messages; returns the seconds from the first to the last. */
export async function sink(count: number): Promise<number> {
  let start = 0
  let left = count
  for await (const _ of self.inbox) {
    if (left === count) start = now()
    left -= 1
    if (left === 0) break
  }
  return (now() - start) / 1000
}

/** Sends `count` messages as fast as the receiver takes them. */
export async function flood(to: Pid, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    if (!processes.trySend(to, 'm', i)) await processes.send(to, 'm', i)
  }
  await processes.exited(to)
}

/** Round trips a second. */
export async function ping(to: Pid, count: number): Promise<number> {
  const run = async (rounds: number) => {
    for (let i = 0; i < rounds; i += 1) {
      processes.trySend(to, 'ping', i)
      await self.receive()
    }
  }
  await run(count / 10)
  const start = now()
  await run(count)
  return count / ((now() - start) / 1000)
}

/** Monitored spawns per second, each until EXIT. */
export async function churn(count: number, window: number): Promise<number> {
  const events = self.events[Symbol.asyncIterator]()
  const run = async (rounds: number) => {
    let started = 0
    let ended = 0
    while (ended < rounds) {
      while (started < rounds && started - ended < window) {
        await processes.spawnMonitored('bench:nothing', host)
        started += 1
      }
      await events.next()
      ended += 1
    }
  }
  await run(count / 10)
  const start = now()
  await run(count)
  return count / ((now() - start) / 1000)
}

/** Microseconds from a crash to the line after its EXIT was awaited, the median. */
export async function crashes(count: number): Promise<number> {
  const events = self.events[Symbol.asyncIterator]()
  const times: number[] = []
  for (let i = 0; i < count; i += 1) {
    await processes.spawnMonitored('bench:crash', host)
    const { value } = await events.next()
    const end = now()
    if (value?.type === 'EXIT' && 'error' in value.result)
      times.push((end - Number(value.result.error.details['at'])) * 1000)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

/** Bytes of heap for each of `count` idle processes. */
export async function crowd(count: number): Promise<number> {
  const first = await processes.spawn('bench:idle', host)
  await processes.call(first, 'hello')
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  let last: Pid = first
  for (let i = 0; i < count; i += 1) last = await processes.spawn('bench:idle', host)
  await processes.call(last, 'hello')
  globalThis.gc?.()
  return (process.memoryUsage().heapUsed - before) / count
}

/** Replies to calls. */
export async function replier(): Promise<void> {
  for await (const message of self.inbox) message.reply(message.payload)
}

/** Microseconds of a call. */
export async function caller(to: Pid, count: number): Promise<number> {
  for (let i = 0; i < count / 10; i += 1) await processes.call(to, 'x', i)
  const start = now()
  for (let i = 0; i < count; i += 1) await processes.call(to, 'x', i)
  return ((now() - start) * 1000) / count
}

/** The median of the milliseconds that a connection takes. */
export async function dials(port: number, count: number): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < count; i += 1) {
    const start = now()
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    times.push(now() - start)
    socket.destroy()
  }
  return times.toSorted((a, b) => a - b)[count >> 1] ?? Number.NaN
}
