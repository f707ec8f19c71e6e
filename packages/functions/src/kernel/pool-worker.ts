/**
 * The kernel's side of one thread of a pool: the calls that the thread was given, in order. The first of them runs.
 *
 * A thread runs one call at a time. While its calls take almost no time, some more wait behind the current one in the
 * thread itself, so that it need not return to the kernel after each. The number of such calls is the window. The
 * kernel can take them back until the thread begins them.
 */
import { errorToWire, FrameEncoder, isErrorKind, TroupeError } from '@troupe/core'
import { type Kernel, type Network, type Program, sealedSpan, type Thread, type WireExit } from '@troupe/process/kernel'
import { slotCount } from '../call-slots.ts'
import { runStart } from '../spans.ts'
import type { PostedCall } from '../protocol.ts'
import { beginCall, type CallRecord, type PoolCall } from './pool-call.ts'
import type { WorkerPlace } from './worker-place.ts'

/** Milliseconds within which calls must end one after another for the window to grow; otherwise it shrinks. */
const growWithinMs = 0.2
const maxNumber = 0x7fffffff

/** The position of a call on the thread's board, and the record under which the kernel knows it. */
interface Post {
  readonly record: CallRecord
  readonly place: number
  readonly number: number
}

export interface PoolWorkerOptions {
  readonly kernel: Kernel
  readonly program: Program
  /** The network of its thread, for the thread's whole life. */
  readonly network: Network
  readonly place: WorkerPlace
  /** Called when a call that the thread had begun has ended, by itself or with the thread. */
  readonly onEnd: (worker: PoolWorker, call: PoolCall, exit: WireExit) => void
  /** Called when the thread has ended before it began a call. */
  readonly onReturn: (call: PoolCall) => void
  /** Ends a thread that broke the protocol. */
  readonly end: (thread: Thread, error: TroupeError) => void
}

export class PoolWorker {
  readonly thread: Thread
  /** Settles with the reason when the thread has ended. */
  readonly ended: Promise<TroupeError>
  readonly setEnded: (error: TroupeError) => void
  /** Whether its worker has ended. */
  hasEnded = false
  /** When it last became idle. */
  idleSince = performance.now()
  /** When the first of its calls ended, by the clock of `performance`. */
  servingSince = Number.POSITIVE_INFINITY
  readonly #options: PoolWorkerOptions
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
    const { thread } = options.place
    this.thread = thread
    thread.end = (error) => {
      options.end(thread, error)
    }
    const { promise, resolve } = Promise.withResolvers<TroupeError>()
    this.ended = promise
    this.setEnded = resolve
  }

  get network(): Network {
    return this.#options.network
  }

  /** Returns whether a thread was found for it. */
  get taken(): boolean {
    return this.#options.place.taken
  }

  /** Returns the calls that it was given and that have not ended, in order. */
  get calls(): Iterable<PoolCall> {
    return this.#calls.keys()
  }

  get size(): number {
    return this.#calls.size
  }

  /** Returns whether it can begin a call at once. */
  get isIdle(): boolean {
    return this.size === 0 && !this.thread.gone
  }

  has(call: PoolCall): boolean {
    return this.#calls.has(call)
  }

  /** Returns how many more calls it accepts: none before half of its window is free, so that calls come in batches. */
  get room(): number {
    return this.thread.gone || this.size > this.#window / 2 ? 0 : this.#window - this.size
  }

  /**
   * Gives it calls. The kernel records them before their code runs.
   * @throws an error when one of them cannot be cloned; then the thread was given none.
   */
  give(calls: readonly PoolCall[]): void {
    const posted = calls.map((call) => this.#post(call))
    try {
      this.thread.post({ type: 'calls', calls: posted })
    } catch (error) {
      // The thread has not seen the frames of these calls.
      this.#frames = new FrameEncoder()
      for (const call of calls) this.withdraw(call)
      throw error
    }
  }

  /** Gives it calls. Rejects a call that cannot be cloned, and still gives it the others. */
  offer(calls: readonly PoolCall[]): void {
    try {
      this.give(calls)
    } catch (cause) {
      const [only, ...others] = calls
      if (others.length > 0) for (const call of calls) this.offer([call])
      else
        only?.reject(
          new TroupeError('Invalid', `${this.#options.program.entry}: an argument cannot be cloned: ${String(cause)}`, {
            cause,
          }),
        )
    }
  }

  /** Takes back a call that the thread has not begun. Returns false if the thread has begun it. */
  withdraw(call: PoolCall): boolean {
    const post = this.#calls.get(call)
    if (post === undefined || !this.#options.place.slots.withdraw(post.place, post.number)) return false
    this.#forget(call, post)
    this.#options.kernel.tasks.end(post.record, this.thread)
    return true
  }

  /** Takes back all calls that the thread has not begun, in order. After this it is given calls one by one. */
  withdrawAll(): readonly PoolCall[] {
    this.#window = 1
    return [...this.calls].filter((call) => this.withdraw(call))
  }

  /** Asks the function of a running call to stop. */
  cancel(call: PoolCall, reason: string): void {
    const post = this.#calls.get(call)
    if (post !== undefined) this.thread.post({ type: 'cancel', pid: post.record.pid, reason })
  }

  /** Ends the thread, after the native code that works in it. */
  end(): void {
    const native = this.nativeEnd()
    if (native === undefined) this.#options.place.end(this.size === 0)
    else void this.#endAfter(native)
  }

  /** Waits until native code no longer works in the thread. Returns nothing if there can be none. */
  nativeEnd(): Promise<void> | undefined {
    const error = new TroupeError('Canceled', `${this.#options.program.entry}: its thread is ended`)
    return this.thread.nativeEnd.wait(errorToWire(error))
  }

  async #endAfter(native: Promise<void>): Promise<void> {
    await native
    this.#options.place.end(this.size === 0)
  }

  /** Returns whether no call has ended here since the last use of this method. */
  stands(): boolean {
    const stands = this.#ends === this.#endsSeen
    this.#endsSeen = this.#ends
    return stands
  }

  #post(call: PoolCall): PostedCall {
    const { kernel, program } = this.#options
    const { args, caller } = call
    // One that is begun is not taken back: such a thread has one call at a time.
    const span = sealedSpan({ thread: this.thread, frame: call.frame }, () => runStart(program.entry))
    const frame = kernel.frames.inTrace(call.frame, span)
    const record = beginCall(kernel, {
      entry: program.entry,
      frame,
      thread: this.thread,
      caller,
      onEnd: (exit) => {
        span?.end(failureIn(exit))
        const post = this.#calls.get(call)
        if (post?.record === record) this.#exited(call, post, exit)
      },
    })
    const place = this.#places.pop() ?? 0
    const number = this.#next
    this.#next = number === maxNumber ? 1 : number + 1
    this.#options.place.slots.post(place, number)
    this.#calls.set(call, { record, place, number })
    call.hasBegun = () => !this.#options.place.slots.isWaiting(place, number)
    return [record.pid, this.#frames.encode(frame), place, number, ...args]
  }

  #exited(call: PoolCall, post: Post, exit: WireExit): void {
    const { onEnd, onReturn } = this.#options
    const began = !this.thread.gone || !this.#options.place.slots.withdraw(post.place, post.number)
    this.#forget(call, post)
    this.#hasEnded()
    if (began && this.thread.gone) this.#report(call, post)
    if (began) onEnd(this, call, exit)
    else onReturn(call)
  }

  /** The call ended with its thread: its end is logged when the reason is known. */
  #report({ frame }: PoolCall, { record }: Post): void {
    const { kernel, program } = this.#options
    void this.ended.then((error) => {
      kernel.failures.add({ pid: record.pid, entry: program.entry, frame }, errorToWire(error))
    })
  }

  #forget(call: PoolCall, { place }: Post): void {
    this.#calls.delete(call)
    call.hasBegun = () => false
    this.#places.push(place)
  }

  #hasEnded(): void {
    const now = performance.now()
    if (this.#ends === 0) this.servingSince = now
    this.#ends += 1
    this.#window =
      now - this.#lastEnd < growWithinMs
        ? Math.min(this.#options.place.maxWindow, this.#window * 2)
        : Math.max(1, this.#window / 2)
    this.#lastEnd = now
    this.idleSince = now
  }
}

/** The kind of the error with which a call ended. The thread that reports it may be sealed. */
function failureIn(exit: WireExit): string | undefined {
  if (!('error' in exit)) return undefined
  const { kind } = exit.error
  return isErrorKind(kind) ? kind : 'Unknown'
}
