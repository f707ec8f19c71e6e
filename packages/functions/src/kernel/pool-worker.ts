/**
 * A thread of a pool as the kernel's side holds it: the calls that it was given, the one that it runs first among them.
 *
 * A thread runs one call at a time. While its calls take next to no time, some more wait behind that one in the thread itself, so that it need
 * not come back to the kernel after each: the window. They can be taken back until the thread begins them.
 */
import { errorToWire, FrameEncoder, TroupeError } from '@troupe/core'
import {
  slotCount,
  CallSlots,
  type CallRecord,
  type Kernel,
  type Network,
  type PostedCall,
  type Program,
  type Thread,
  type WireExit,
} from '@troupe/process/kernel'
import { queueOptionsSymbol } from 'piscina'
import type { PoolCall } from './pool-call.ts'
import type { Task } from '../worker/task.ts'

/** Milliseconds within which ends have to follow one another for the window to grow; else it shrinks. */
const growWithinMs = 0.2
const maxNumber = 0x7fffffff

/** Where a call is on the thread's board, and as what the kernel knows it. */
interface Post {
  readonly record: CallRecord
  readonly place: number
  readonly number: number
}

export interface PoolWorkerOptions {
  readonly kernel: Kernel
  readonly program: Program
  /** Of its thread, for its whole life. */
  readonly network: Network
  /** A call that the thread had begun has ended, with the thread or before it. */
  readonly onEnd: (worker: PoolWorker, call: PoolCall, exit: WireExit) => void
  /** The thread has ended before it began a call. */
  readonly onReturn: (call: PoolCall) => void
  /** Ends a thread that broke the protocol. */
  readonly end: (thread: Thread, error: TroupeError) => void
  /** Nothing comes from the thread any more. */
  readonly onGone: (worker: PoolWorker) => void
}

export class PoolWorker {
  readonly thread: Thread
  /** What piscina hands to a worker. */
  readonly task: Task & { readonly [queueOptionsSymbol]: PoolWorker }
  /** Flipped, it ends the thread. */
  readonly killSwitch = new AbortHandle()
  /** Settles with the reason when the thread has ended. */
  readonly ended: Promise<TroupeError>
  readonly setEnded: (error: TroupeError) => void
  /** Whether its worker has ended. */
  hasEnded = false
  /** Whether a worker was found for it. */
  taken = false
  /** When it last had nothing to do. */
  idleSince = performance.now()
  /** By the clock of `performance`: when the first of its calls ended. */
  servingSince = Number.POSITIVE_INFINITY
  readonly #options: PoolWorkerOptions
  readonly #slots = new CallSlots()
  #frames = new FrameEncoder()
  readonly #calls = new Map<PoolCall, Post>()
  readonly #places = Array.from({ length: slotCount }, (_, place) => place)
  #next = 1
  #window = 1
  #lastEnd = 0
  #ends = 0
  #endsSeen = 0

  constructor(options: PoolWorkerOptions) {
    this.#options = options
    const { thread, data } = options.kernel.threads.adopt(options.network, () => {
      options.onGone(this)
    })
    this.thread = thread
    thread.end = (error) => {
      options.end(thread, error)
    }
    this.task = { thread: data, service: { program: options.program, slots: this.#slots.memory }, [queueOptionsSymbol]: this }
    const { promise, resolve } = Promise.withResolvers<TroupeError>()
    this.ended = promise
    this.setEnded = resolve
  }

  get network(): Network {
    return this.#options.network
  }

  /** Calls that it was given and that have not ended, in their order. */
  get calls(): Iterable<PoolCall> {
    return this.#calls.keys()
  }

  get size(): number {
    return this.#calls.size
  }

  /** Whether it can begin a call at once. */
  get isIdle(): boolean {
    return this.size === 0 && !this.thread.gone
  }

  has(call: PoolCall): boolean {
    return this.#calls.has(call)
  }

  /** How many more calls it is to be given: none before half of its window is free, so that they come in batches. */
  get room(): number {
    return this.thread.gone || this.size > this.#window / 2 ? 0 : this.#window - this.size
  }

  /** Gives it calls. They are known to the kernel before their code runs. @throws when one of them cannot be cloned; then it was given none. */
  give(calls: readonly PoolCall[]): void {
    const posted = calls.map((call) => this.#post(call))
    try {
      this.thread.post({ type: 'calls', calls: posted })
    } catch (error) {
      // The thread has not seen the frames that went with them.
      this.#frames = new FrameEncoder()
      for (const call of calls) this.withdraw(call)
      throw error
    }
  }

  /** Gives it calls. One that cannot be cloned is rejected, and the others are given all the same. */
  offer(calls: readonly PoolCall[]): void {
    try {
      this.give(calls)
    } catch (cause) {
      const [only, ...others] = calls
      if (others.length > 0) for (const call of calls) this.offer([call])
      else
        only?.reject(
          new TroupeError('Invalid', `${this.#options.program.entry}: an argument cannot be cloned: ${String(cause)}`, { cause }),
        )
    }
  }

  /** Takes a call back that the thread has not begun. Returns false when it has. */
  withdraw(call: PoolCall): boolean {
    const post = this.#calls.get(call)
    if (post === undefined || !this.#slots.withdraw(post.place, post.number)) return false
    this.#forget(call, post)
    this.#options.kernel.calls.end(post.record, this.thread)
    return true
  }

  /** Takes back all that it has not begun, in their order. What it is given next, it is given one by one. */
  withdrawAll(): readonly PoolCall[] {
    this.#window = 1
    return [...this.calls].filter((call) => this.withdraw(call))
  }

  /** Asks the function of a call that runs to stop. */
  cancel(call: PoolCall, reason: string): void {
    const post = this.#calls.get(call)
    if (post !== undefined) this.thread.post({ type: 'cancel', pid: post.record.pid, reason })
  }

  /** Ends the thread, after the native code that works in it. */
  end(): void {
    const native = this.nativeEnd()
    if (native === undefined) this.killSwitch.flip()
    else void this.#endAfter(native)
  }

  /** What runs in the thread ends: settles when native code does not work there any more; returns nothing where none may. */
  nativeEnd(): Promise<void> | undefined {
    const error = new TroupeError('Canceled', `${this.#options.program.entry}: its thread is ended`)
    return this.thread.nativeEnd.wait(errorToWire(error))
  }

  async #endAfter(native: Promise<void>): Promise<void> {
    await native
    this.killSwitch.flip()
  }

  /** Whether nothing has ended here since this was asked last. */
  stands(): boolean {
    const stands = this.#ends === this.#endsSeen
    this.#endsSeen = this.#ends
    return stands
  }

  #post(call: PoolCall): PostedCall {
    const { kernel, program } = this.#options
    const { frame, args, caller } = call
    const record = kernel.calls.begin({
      entry: program.entry,
      frame,
      thread: this.thread,
      caller,
      onEnd: (exit) => {
        const post = this.#calls.get(call)
        if (post?.record === record) this.#exited(call, post, exit)
      },
    })
    const place = this.#places.pop() ?? 0
    const number = this.#next
    this.#next = number === maxNumber ? 1 : number + 1
    this.#slots.post(place, number)
    this.#calls.set(call, { record, place, number })
    return [record.pid, this.#frames.encode(frame), place, number, ...args]
  }

  #exited(call: PoolCall, post: Post, exit: WireExit): void {
    const { onEnd, onReturn } = this.#options
    const began = !this.thread.gone || !this.#slots.withdraw(post.place, post.number)
    this.#forget(call, post)
    this.#hasEnded()
    if (began && this.thread.gone) this.#report(call, post)
    if (began) onEnd(this, call, exit)
    else onReturn(call)
  }

  /** The thread took the call along: its end is logged once it is known why. */
  #report({ frame }: PoolCall, { record }: Post): void {
    const { kernel, program } = this.#options
    void this.ended.then((error) => {
      kernel.failures.add({ pid: record.pid, entry: program.entry, actor: frame.actor?.id }, errorToWire(error))
    })
  }

  #forget(call: PoolCall, { place }: Post): void {
    this.#calls.delete(call)
    this.#places.push(place)
  }

  #hasEnded(): void {
    const now = performance.now()
    if (this.#ends === 0) this.servingSince = now
    this.#ends += 1
    this.#window = now - this.#lastEnd < growWithinMs ? Math.min(slotCount, this.#window * 2) : Math.max(1, this.#window / 2)
    this.#lastEnd = now
    this.idleSince = now
  }
}

/** What piscina takes for an AbortSignal, at a fraction of the cost: it ends the worker that has the task, or takes the task from the queue. */
class AbortHandle {
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
