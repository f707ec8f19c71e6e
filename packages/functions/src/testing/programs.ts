/** Functions and processes that tests run in threads. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { currentFrame, type Frame, TroupeError } from '@troupe/core'
import { processes, self } from '@troupe/process'
import { funcs } from '../funcs.ts'

export function echo(...args: unknown[]): unknown[] {
  return args
}

export function frame(): Frame | undefined {
  return currentFrame()
}

export function where(): number {
  return threadId
}

export function pid(): string {
  return self.pid
}

export function fail(): never {
  throw Object.assign(new RangeError('out of range', { cause: new TroupeError('Conflict', 'two at once') }), { limit: 7 })
}

export function uncloneable(): unknown {
  return { deep: [1, () => undefined] }
}

export function exit(code: number): never {
  process.exit(code)
}

export function heap(): number {
  const hoard: number[][] = []
  for (;;) hoard.push(Array.from({ length: 100_000 }, (_, i) => i))
}

export async function stray(): Promise<void> {
  setTimeout(() => {
    throw new RangeError('from a timer')
  })
  await once(self.signal, 'abort')
}

export function loop(): never {
  for (;;) performance.now()
}

/** Waits until it is cancelled; tells `to` that it runs, and why it stopped. */
export async function untilAborted(to: string): Promise<string> {
  await processes.send(to, 'running', threadId)
  if (!self.signal.aborted) await once(self.signal, 'abort')
  const { reason }: { readonly reason: unknown } = self.signal
  const why = reason instanceof TroupeError ? `${reason.kind}: ${reason.message}` : String(reason)
  await processes.send(to, 'aborted', why)
  return why
}

/** Waits for a message's worth of time that it is told by a lock in shared memory. */
export async function held(lock: SharedArrayBuffer): Promise<number> {
  const word = new Int32Array(lock)
  const count = Atomics.add(word, 1, 1) + 1
  Atomics.notify(word, 1)
  const waited = Atomics.waitAsync(word, 0, 0)
  if (waited.async) {
    // A waitAsync alone does not keep a thread alive.
    const alive = setInterval(() => undefined, 1000)
    await waited.value
    clearInterval(alive)
  }
  return count
}

export async function countdown(depth: number): Promise<number> {
  return depth === 0 ? 0 : 1 + Number(await funcs.call('app:countdown', depth - 1))
}

/** Two functions that call each other. */
export async function ping(depth: number): Promise<number> {
  return depth === 0 ? 0 : 1 + Number(await funcs.call('app:pong', depth - 1))
}

export async function pong(depth: number): Promise<number> {
  return depth === 0 ? 0 : 1 + Number(await funcs.call('app:ping', depth - 1))
}

export async function nest(id: string, ...args: unknown[]): Promise<unknown> {
  return funcs.call(id, ...args)
}

export async function nestSlow(ms: number): Promise<unknown> {
  await sleep(ms)
  return currentFrame()?.overlay
}

/** A process that calls a function. */
export async function callingProcess(id: string, ...args: unknown[]): Promise<unknown> {
  return funcs.call(id, ...args)
}

export async function received(): Promise<unknown> {
  const message = await self.receive()
  return [message.topic, message.from, message.payload]
}

export async function sendTo(to: string): Promise<string> {
  await processes.send(to, 'hello', 'from a function')
  return self.pid
}
