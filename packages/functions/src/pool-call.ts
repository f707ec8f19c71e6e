/** One call on its way through a pool. */
import type { MessagePort } from 'node:worker_threads'
import type { Frame, TroupeError } from '@troupe/core'
import type { CallRecord, ProcessRecord, Program, Thread, ThreadData } from '@troupe/process/kernel'
import { queueOptionsSymbol } from 'piscina'
import type { Task } from './task.ts'

/** The longest that a timer can wait; what is due later is not watched. */
const maxDelay = 0x7fffffff

export interface PoolCallOptions {
  readonly program: Program
  readonly frame: Frame
  readonly args: readonly unknown[]
  /** Who called, if anyone that the kernel knows. */
  readonly caller: ProcessRecord | undefined
}

export class PoolCall {
  readonly caller: ProcessRecord | undefined
  /** What its caller waits for. */
  readonly value: Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: TroupeError) => void
  /** What its thread is given. */
  readonly task: Task & { readonly [queueOptionsSymbol]: PoolCall }
  /** What moves there with the task. Piscina demands an array, its types the options of `structuredClone`: this is either. */
  readonly transferList: MessagePort[] & { readonly transfer?: MessagePort[] } = []
  readonly killSwitch = new KillSwitch()
  #place: { readonly record: CallRecord; readonly thread: Thread } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ program, frame, args, caller }: PoolCallOptions) {
    this.caller = caller
    this.task = { pid: undefined, program, frame, args, thread: undefined, [queueOptionsSymbol]: this }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.value = promise
    this.resolve = resolve
    this.reject = reject
  }

  /** Where it runs, once it does. */
  get place() {
    return this.#place
  }

  /** It is about to be posted to a thread; a new one gets `data`, with the port to the kernel, along with it. */
  begin(record: CallRecord, thread: Thread, data: ThreadData | undefined): void {
    this.#place = { record, thread }
    this.task.pid = record.pid
    if (data === undefined) return
    this.task.thread = data
    this.transferList.push(data.port)
  }

  /** Calls `fn` in `ms` milliseconds, unless the call ends, or is watched anew, before. */
  watch(ms: number, fn: () => void): void {
    clearTimeout(this.#timer)
    if (ms <= maxDelay) this.#timer = setTimeout(fn, Math.max(0, ms)).unref()
  }

  unwatch(): void {
    clearTimeout(this.#timer)
  }
}

/**
 * What piscina takes for an AbortSignal, at a fraction of the cost. A task that waits is taken from piscina's queue; one that runs can only
 * be ended with its thread, so for that it is the last resort.
 */
class KillSwitch {
  #listener: (() => void) | undefined

  once(_event: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  off(): void {
    this.#listener = undefined
  }

  removeListener(): void {
    this.#listener = undefined
  }

  flip(): void {
    this.#listener?.()
  }
}
