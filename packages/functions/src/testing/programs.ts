/** Functions and processes that tests run in threads. */
import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as later } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { currentFrame, entryId, type Frame, TroupeError } from '@troupe/core'
import { currentRuntime, processes, self } from '@troupe/process'
import { funcs } from '../funcs.ts'
import { Lock, newLock } from './lock.ts'

export function echo(...args: unknown[]): unknown[] {
  return args
}

export function frame(): Frame | undefined {
  return currentFrame()
}

export {
  echo as inlineEcho,
  frame as pinned,
  frame as cleared,
  frame as inlineFrame,
  threads as threadsOfProcess,
  where as inlineThread,
}

export function pid(): string {
  return self.pid
}

export function fail(): never {
  throw Object.assign(new RangeError('out of range', { cause: new TroupeError('Conflict', 'two at once') }), {
    limit: 7,
  })
}

export function uncloneable(): unknown {
  return { deep: [1, () => undefined] }
}

/** Actions that a function can perform in its thread. */
const operations = {
  where: () => threadId,
  hold: async (lock: Lock) => {
    await lock.opened()
    return 'held'
  },
  untilAborted: async (lock: Lock) => {
    if (!self.signal.aborted) await once(self.signal, 'abort')
    lock.arrive()
    return 'aborted'
  },
  loop: () => {
    for (;;) performance.now()
  },
  exit: () => process.exit(3),
  stray: async (lock: Lock) => {
    setTimeout(() => {
      throw new RangeError('from a timer')
    })
    await lock.opened()
  },
  rejection: async (lock: Lock) => {
    void Promise.reject(new RangeError('from a promise'))
    await lock.opened()
  },
  /** Loads an addon, and native code works while the function does not end. */
  native: async (lock: Lock) => {
    try {
      process.dlopen({ exports: {} }, '/nowhere/addon.node')
    } catch {
      // It makes no difference that it is missing: it was about to run.
    }
    pbkdf2('password', 'salt', 300_000, 32, 'sha512', () => {
      lock.arrive()
    })
    lock.arrive()
    await lock.opened()
  },
  nestedLoop: async () => funcs.withOptions({ timeout: 100 }).call('app:act', 'loop', newLock()),
}

export type Operation = keyof typeof operations

export async function act(operation: Operation, memory: SharedArrayBuffer): Promise<unknown> {
  const lock = new Lock(memory)
  lock.arrive()
  return operations[operation](lock)
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

export async function nestThrough(network: string, id: string): Promise<unknown> {
  return funcs.withOptions({ network }).call(id)
}

export async function threads(id: string): Promise<unknown> {
  return [threadId, await funcs.call(id)]
}

function where(): number {
  return threadId
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

type Chain = readonly (readonly [id: string, timeout?: number])[]

/** Makes the nested calls of the chain, and reports where each ran and its deadline. */
export async function level([next, ...rest]: Chain): Promise<readonly unknown[]> {
  const seen = [threadId, currentFrame()?.deadline]
  return next === undefined ? [seen] : [seen, ...(await below(next, rest))]
}

export { level as inlineLevel, level as otherLevel }

export async function levelsOfProcess([next, ...rest]: Chain): Promise<readonly unknown[]> {
  return next === undefined ? [] : below(next, rest)
}

async function below([id, timeout]: Chain[number], rest: Chain): Promise<readonly unknown[]> {
  const caller = timeout === undefined ? funcs : funcs.withOptions({ timeout })
  const seen: unknown = await caller.call(id, rest)
  return [seen].flat()
}

/** Sends the kernel its own deadline for a call. */
export async function enlarging(id: string, deadline: number | undefined): Promise<unknown> {
  const inherit = { overlay: undefined, values: {}, deadline, trace: undefined }
  return currentRuntime().kernel.request('call', { entry: entryId(id), args: [], choice: {}, inherit }, self.pid)
}

const words: unknown[] = []

/**
 * Returns what this module was given so far in this thread: a library's module would keep its queue in the same way.
 */
export function remember(word: unknown): unknown {
  words.push(typeof word === 'string' ? word : typeof word)
  return { thread: threadId, words: [...words] }
}

export async function sleep(ms: number): Promise<void> {
  await later(ms)
}

/** Returns the overlays of nested calls, each in the given network. */
export async function through(
  rest: readonly { readonly network: string | null; readonly call: string }[],
): Promise<unknown> {
  const [next, ...others] = rest
  const own = currentFrame()?.overlay
  if (next === undefined) return [own]
  const below: unknown = await funcs.withOptions({ network: next.network }).call(next.call, others)
  return Array.isArray(below) ? [own].concat(below) : [own]
}

/** Returns its own thread, and those of a function: called directly, and in another network. */
export async function threadsThrough(entry: string, network: string): Promise<unknown> {
  return [threadId, await funcs.call(entry), await funcs.withOptions({ network }).call(entry)]
}
