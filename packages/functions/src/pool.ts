/**
 * The threads that run the calls of one entry. Calls and their answers go by the wire that each thread has to the kernel, and wait in a queue
 * of ours, which they can leave at no cost.
 */
import { type EntryId, errorFromWire, type OverlayChoice, startTimer, stopTimer, type Timer, TroupeError, unavailable } from '@troupe/core'
import type { Kernel, Program, Thread, WireExit } from '@troupe/process/kernel'
import { availableParallelism } from 'node:os'
import type { PoolSettings } from './kinds.ts'
import type { PoolCall } from './pool-call.ts'
import { Seat } from './seat.ts'
import { Workers } from './workers.ts'

/** Milliseconds that calls wait behind one that does not end, before they are taken back. */
const patience = 5

/** Milliseconds that a worker may take to end once its wire has closed. It tells then why it did. */
const afterlife = 5000

export interface PoolOptions {
  readonly kernel: Kernel
  readonly entry: EntryId
  readonly program: Program
  /** The overlay that the entry is pinned to. */
  readonly pin: OverlayChoice
  readonly settings: PoolSettings
  /** Milliseconds that a cancelled call is given to come back before its thread is ended. */
  readonly grace: number
}

/** A pool, as it is now. */
export interface PoolStatus {
  readonly entry: EntryId
  readonly threads: number
  /** Calls that have a thread, or for which one starts. */
  readonly running: number
  /** Calls that wait for a thread. */
  readonly waiting: number
}

export class Pool implements AsyncDisposable {
  readonly entry: EntryId
  readonly program: Program
  readonly pin: OverlayChoice
  readonly #options: PoolOptions
  readonly #max: number
  readonly #workers: Workers
  readonly #seats = new Set<Seat>()
  #waiting = new Set<PoolCall>()
  /** Calls that come back from a thread that has ended. */
  #returned: PoolCall[] = []
  #feeding = false
  #closed = false
  #idleTimer: Timer | undefined
  #patienceTimer: Timer | undefined
  #onEmpty: () => void = () => undefined

  constructor(options: PoolOptions) {
    const { settings, kernel } = options
    this.entry = options.entry
    this.program = options.program
    this.pin = options.pin
    this.#options = options
    this.#max = Math.max(settings.min, settings.max ?? availableParallelism())
    const { min, idleTimeout } = settings
    const onError = (error: Error) => {
      this.#onThreadlessError(error)
    }
    this.#workers = new Workers({ threads: kernel.threads, entry: options.entry, min, max: this.#max, idleTimeout, onError })
  }

  /** Whether a call would have to wait. */
  get isFull(): boolean {
    return this.#seats.size >= this.#max && this.#idle() === undefined
  }

  get status(): PoolStatus {
    let [running, waiting] = [0, this.#waiting.size + this.#returned.length]
    for (const { size } of this.#seats) {
      running += Math.min(1, size)
      waiting += Math.max(0, size - 1)
    }
    return { entry: this.entry, threads: this.#workers.count, running, waiting }
  }

  /** Runs a call, as soon as there is a thread for it. */
  run(call: PoolCall): void {
    if (this.#closed) throw unavailable(`${this.entry}: its pool has stopped`, { entry: this.entry })
    const { queue } = this.#options.settings
    const idle = this.#idle()
    const isFull = idle === undefined && this.#seats.size >= this.#max
    if (isFull && this.#waiting.size >= queue && this.status.waiting >= queue) {
      throw unavailable(`${this.entry}: its ${this.#max} threads are busy, and ${queue} calls wait already`, { entry: this.entry, queue })
    }
    const { deadline } = call.frame
    if (deadline !== undefined) {
      call.watch(deadline - Date.now(), () => {
        this.cancel(call, new TroupeError('Timeout', `${this.entry} did not answer by its deadline`))
      })
    }
    if (isFull) {
      this.#waiting.add(call)
      this.#feedSoon()
    } else this.#give(idle ?? this.#open(), [call])
  }

  /**
   * Rejects a call at once. Where it runs, its function is asked to stop; the thread takes no other call until it has, and is ended if it
   * does not within the grace.
   */
  cancel(call: PoolCall, error: TroupeError): void {
    call.reject(error)
    const seat = this.#seatOf(call)
    if (this.#waiting.delete(call) || seat?.withdraw(call) === true) {
      call.unwatch()
      this.#checkEmpty()
      return
    }
    if (seat === undefined) return
    seat.cancel(call, error.message)
    this.#takeBack(seat)
    call.watch(this.#options.grace, () => {
      this.#close(seat)
    })
  }

  /** Ends a thread, and with `error` the call that runs in it, if it is one of this pool's. */
  kill(thread: Thread, error: TroupeError): void {
    for (const seat of this.#seats) {
      if (seat.thread !== thread) continue
      this.#takeBack(seat)
      for (const call of seat.calls) call.reject(error)
      this.#close(seat)
    }
  }

  /** Lets the calls that it has been given end, and then ends itself. */
  async leave(): Promise<void> {
    if (!this.#isEmpty) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onEmpty = resolve
      await promise
    }
    await this[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#onEmpty()
    this.#closed = true
    stopTimer(this.#idleTimer)
    stopTimer(this.#patienceTimer)
    const stopped = new TroupeError('Canceled', `${this.entry}: its pool has stopped`)
    for (const call of [...this.#returned, ...this.#waiting, ...[...this.#seats].flatMap(({ calls }) => [...calls])]) {
      call.reject(stopped)
      call.unwatch()
    }
    this.#returned = []
    this.#waiting.clear()
    await this.#workers[Symbol.asyncDispose]()
  }

  #idle(): Seat | undefined {
    for (const seat of this.#seats) if (seat.isIdle) return seat
    return undefined
  }

  #seatOf(call: PoolCall): Seat | undefined {
    for (const seat of this.#seats) if (seat.has(call)) return seat
    return undefined
  }

  get #isEmpty(): boolean {
    const { running, waiting } = this.status
    return running === 0 && waiting === 0
  }

  #checkEmpty(): void {
    if (this.#isEmpty) this.#onEmpty()
  }

  /** Has piscina find a thread, or start one. */
  #open(): Seat {
    const seat = new Seat({
      kernel: this.#options.kernel,
      program: this.program,
      onEnd: this.#onEnd,
      onReturn: this.#onReturn,
      onGone: this.#onGone,
    })
    this.#seats.add(seat)
    void this.#workers.occupy(seat).then((error) => {
      this.#threadEnded(seat, error)
    })
    return seat
  }

  #close(seat: Seat): void {
    this.#seats.delete(seat)
    seat.killSwitch.flip()
    this.#feedSoon()
  }

  #threadEnded(seat: Seat, error: TroupeError): void {
    this.#seats.delete(seat)
    seat.setEnded(error)
    // Else what it said last is read before its end is told.
    if (!seat.taken) this.#options.kernel.threads.remove(seat.thread, error)
    this.#feedSoon()
  }

  #give(seat: Seat, calls: readonly PoolCall[]): void {
    try {
      seat.give(calls)
    } catch (cause) {
      // One of them cannot be cloned.
      const [only, ...others] = calls
      if (others.length > 0) for (const call of calls) this.#give(seat, [call])
      else only?.reject(new TroupeError('Invalid', `${this.entry}: an argument cannot be cloned: ${String(cause)}`, { cause }))
    }
    if (seat.size > 1) this.#watchPatience()
  }

  #feedSoon(): void {
    if (this.#feeding) return
    this.#feeding = true
    // With the other calls that are made in this turn.
    process.nextTick(() => {
      this.#feeding = false
      if (!this.#closed) this.#feed()
    })
  }

  /** Gives calls that wait to threads that have room: first to those that have none. */
  #feed(): void {
    if (this.#returned.length > 0) {
      const back = this.#returned.splice(0).filter(({ settled }) => !settled)
      this.#waiting = new Set([...back, ...this.#waiting])
    }
    while (this.#waiting.size > 0) {
      const seat = this.#idle() ?? (this.#seats.size < this.#max ? this.#open() : undefined)
      if (seat === undefined) break
      this.#give(seat, this.#next(1))
    }
    for (const seat of this.#seats) {
      if (this.#waiting.size === 0) return
      this.#refill(seat)
    }
  }

  #refill(seat: Seat): void {
    const share = Math.ceil(this.#waiting.size / this.#seats.size)
    const calls = this.#next(Math.min(seat.room, share))
    if (calls.length > 0) this.#give(seat, calls)
  }

  #next(count: number): readonly PoolCall[] {
    const calls = [...this.#waiting.values().take(count)]
    for (const call of calls) this.#waiting.delete(call)
    return calls
  }

  /** Calls do not wait behind one that does not end. */
  #takeBack(seat: Seat): void {
    const calls = seat.withdrawAll()
    if (calls.length === 0) return
    this.#returned.push(...calls)
    this.#feedSoon()
  }

  #watchPatience(): void {
    this.#patienceTimer ??= startTimer(() => {
      this.#patienceTimer = undefined
      for (const seat of this.#seats) if (seat.size > 1 && seat.stands()) this.#takeBack(seat)
      for (const { size } of this.#seats) if (size > 1) this.#watchPatience()
    }, patience).unref()
  }

  readonly #onEnd = (seat: Seat, call: PoolCall, exit: WireExit): void => {
    call.unwatch()
    if (seat.thread.gone) {
      // The kernel knows that it has ended, and piscina why.
      void seat.ended.then((error) => {
        call.reject(error)
      })
    } else if ('error' in exit) call.reject(errorFromWire(exit.error))
    else call.resolve(exit.value)
    if (this.#waiting.size > 0 && !this.#closed && this.#seats.has(seat)) this.#refill(seat)
    if (seat.size > 0) return
    this.#watchIdle()
    this.#checkEmpty()
  }

  readonly #onReturn = (call: PoolCall): void => {
    if (call.settled || this.#closed) return
    this.#returned.push(call)
    this.#feedSoon()
  }

  /** A worker whose wire is closed is about to end, or has lost its wire by what its code did. */
  readonly #onGone = (seat: Seat): void => {
    if (!this.#seats.has(seat)) return
    startTimer(() => {
      if (this.#seats.has(seat)) this.#close(seat)
    }, afterlife).unref()
  }

  /** Ends threads that have had no work for long. */
  #watchIdle(): void {
    const { min, idleTimeout } = this.#options.settings
    if (this.#closed || this.#idleTimer !== undefined || this.#workers.count <= min) return
    this.#idleTimer = startTimer(() => {
      this.#idleTimer = undefined
      const now = performance.now()
      for (const seat of this.#seats) {
        if (seat.isIdle && now - seat.idleSince >= idleTimeout && this.#workers.count > min) this.#close(seat)
      }
      if (this.#idle() !== undefined) this.#watchIdle()
    }, idleTimeout).unref()
  }

  /** A thread failed that worked for nobody. If it failed to start, whoever waits for it would wait for ever. */
  #onThreadlessError(cause: Error): void {
    for (const seat of this.#seats) {
      if (seat.taken) continue
      const error = new TroupeError('Unavailable', `${this.entry}: a thread of its pool failed to start: ${cause.message}`, { cause })
      for (const call of seat.calls) call.reject(error)
      this.#close(seat)
    }
  }
}
