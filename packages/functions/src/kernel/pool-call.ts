/** One call on its way through a pool, and the kernel's record of a call that a thread was given. */
import { type EntryId, type Frame, type Pid, startTimer, stopTimer, type Timer, type TroupeError } from '@troupe/core'
import type { Kernel, Network, ProcessRecord, Thread, WireExit } from '@troupe/process/kernel'

export interface PoolCallOptions {
  readonly frame: Frame
  /** The network of the thread that runs it. */
  readonly network: Network
  readonly args: readonly unknown[]
  /** The caller, if the kernel knows it. */
  readonly caller: ProcessRecord | undefined
}

export class PoolCall {
  readonly frame: Frame
  readonly network: Network
  /** Since when it waits, by the clock of `performance`. */
  since = 0
  /** Whether a thread runs it: until then it waits. */
  hasBegun: () => boolean = () => false
  readonly args: readonly unknown[]
  readonly caller: ProcessRecord | undefined
  /** The result that its caller waits for. */
  readonly value: Promise<unknown>
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: TroupeError) => void
  #settled = false
  #timer: Timer | undefined

  constructor({ frame, network, args, caller }: PoolCallOptions) {
    this.frame = frame
    this.network = network
    this.args = args
    this.caller = caller
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.value = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Returns whether its caller already has a result or an error. */
  get settled(): boolean {
    return this.#settled
  }

  resolve(value: unknown): void {
    this.#settled = true
    this.#resolve(value)
  }

  reject(error: TroupeError): void {
    this.#settled = true
    this.#reject(error)
  }

  /** Calls `fn` after `ms` milliseconds, unless the call ends or is watched again before that. */
  watch(ms: number, fn: () => void): void {
    stopTimer(this.#timer)
    this.#timer = startTimer(fn, ms).unref()
  }

  unwatch(): void {
    if (this.#timer !== undefined) stopTimer(this.#timer)
  }
}

export interface CallOrder {
  readonly entry: EntryId
  readonly frame: Frame
  /** The thread in which it runs. */
  readonly thread: Thread
  /** The caller. A nested call is one level deeper. */
  readonly caller: ProcessRecord | undefined
  /** Called when it has ended, or its thread has. */
  readonly onEnd?: (exit: WireExit) => void
}

/** The kernel's record of a call of a function. Code in a call acts in the frame that the kernel issued for it. */
export class CallRecord implements ProcessRecord {
  readonly pid: Pid
  readonly entry: EntryId
  readonly frame: Frame
  readonly host = undefined
  readonly onExit: ((exit: WireExit) => void) | undefined
  /** Depth of nested calls, including this one. */
  readonly depth: number
  readonly by: Pid | undefined
  readonly role = 'call'

  constructor(id: Pid, { entry, frame, caller, onEnd }: CallOrder, depth: number) {
    this.pid = id
    this.entry = entry
    this.frame = frame
    this.onExit = onEnd
    this.depth = depth
    this.by = caller?.pid
  }
}

/** Registers a call that now runs in a thread. The thread may dial the overlay of the call's frame. */
export function beginCall({ tasks }: Kernel, order: CallOrder): CallRecord {
  order.thread.programs.add(order.entry)
  return tasks.add((id) => new CallRecord(id, order, depthOf(order.caller) + 1), order.thread)
}

/** The depth of nested calls of a record: 0 for processes and programs. */
export function depthOf(record: ProcessRecord | undefined): number {
  return record instanceof CallRecord ? record.depth : 0
}
