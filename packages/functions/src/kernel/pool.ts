/**
 * The threads that run the calls of one entry. Calls and their answers go by the wire that each thread has to the kernel, and wait in a queue
 * of ours, which they can leave at no cost. Each thread has one network for its whole life, and runs calls of that alone; where calls of
 * another network wait and all threads are there that may be, one that has nothing to do gives way.
 */
import { type EntryId, errorFromWire, type OverlayChoice, startTimer, stopTimer, type Timer, TroupeError, unavailable } from '@troupe/core'
import type { Network, Program, Thread, WireExit } from '@troupe/process/kernel'
import { availableParallelism } from 'node:os'
import { CallQueue } from './call-queue.ts'
import { checkIsolation, fairWait, isOwed, rejectStale, unseated } from './fair-share.ts'
import type { PoolOptions, PoolStatus } from './pool-options.ts'
import type { PoolCall } from './pool-call.ts'
import { Seat } from './pool-worker.ts'
import { afterlife, EndingSeats, failUntaken, idleIn, seatOf, statusOf } from './worker-selection.ts'
import { Workers } from './piscina-workers.ts'

/** Milliseconds that calls wait behind one that does not end, before they are taken back. */
const patience = 5

export class Pool implements AsyncDisposable {
  readonly entry: EntryId
  readonly program: Program
  readonly pin: OverlayChoice
  readonly #options: PoolOptions
  readonly #max: number
  readonly #workers: Workers
  readonly #seats = new Set<Seat>()
  /** Seats whose threads get no more calls, and end when they have nothing left to do. */
  readonly #leaving = new Set<Seat>()
  readonly #ending = new EndingSeats()
  readonly #waiting = new CallQueue()
  /** Calls that come back from a thread that has ended. */
  #returned: PoolCall[] = []
  #feeding = false
  #closed = false
  #idleTimer: Timer | undefined
  #patienceTimer: Timer | undefined
  #fairTimer: Timer | undefined
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
      for (const seat of failUntaken(this.entry, this.#seats, error)) this.#close(seat)
    }
    this.#workers = new Workers({ kernel, entry: options.entry, min, max: this.#max, idleTimeout, onError })
  }

  /** Whether a call in that network would have to wait. */
  isFull(network: Network): boolean {
    return !this.#hasRoom && idleIn(network, this.#seats) === undefined
  }

  get status(): PoolStatus {
    return statusOf(this.entry, this.#workers.count, [...this.#seats, ...this.#leaving], this.#waiting.size + this.#returned.length)
  }

  /**
   * Runs a call, as soon as there is a thread for it.
   *
   * @param isNested - Beneath a call that may hold the thread which this one would wait for: it gets one at once, beyond `max` if need be.
   */
  run(call: PoolCall, isNested = false): void {
    if (this.#closed) throw unavailable(`${this.entry}: its pool has stopped`, { entry: this.entry })
    const { queue } = this.#options.settings
    const idle = idleIn(call.network, this.#seats)
    const isFull = idle === undefined && !this.#hasRoom && !isNested
    if (call.network.isolation !== undefined) checkIsolation(this.entry, this.#options.settings, call.network, this.#networks)
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
    } else this.#give(idle ?? this.#open(call.network), [call])
  }

  /**
   * Rejects a call at once. Where it runs, its function is asked to stop; the thread takes no other call until it has, and is ended if it
   * does not within the grace.
   */
  cancel(call: PoolCall, error: TroupeError): void {
    call.reject(error)
    const seat = seatOf(call, this.#seats, this.#leaving)
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

  /** Threads of networks that are not current any more get no more calls. */
  retireNetworks(isCurrent: (network: Network) => boolean): void {
    rejectStale(this.entry, this.#waiting, isCurrent)
    for (const seat of this.#seats) if (!isCurrent(seat.network)) this.#dismiss(seat)
    this.#checkEmpty()
  }

  /** Ends a thread, and with `error` the call that runs in it, if it is one of this pool's. */
  readonly kill = (thread: Thread, error: TroupeError): void => {
    for (const seat of [...this.#seats, ...this.#leaving]) {
      if (seat.thread !== thread) continue
      this.#takeBack(seat)
      for (const call of seat.calls) call.reject(error)
      this.#close(seat)
    }
  }

  /** Lets the calls that it has been given end, and then ends itself. */
  async leave(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onEmpty = resolve
    if (!this.#isEmpty) await promise
    await this[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#onEmpty()
    this.#closed = true
    for (const timer of [this.#idleTimer, this.#patienceTimer, this.#fairTimer]) stopTimer(timer)
    const stopped = new TroupeError('Canceled', `${this.entry}: its pool has stopped`)
    const given = [...this.#seats, ...this.#leaving].flatMap(({ calls }) => [...calls])
    for (const call of [...this.#returned, ...this.#waiting.clear(), ...given]) {
      call.reject(stopped)
      call.unwatch()
    }
    this.#returned = []
    await Promise.all([...this.#seats, ...this.#leaving, ...this.#ending.all].map(async (seat) => seat.nativeEnd()))
    await this.#workers[Symbol.asyncDispose]()
  }

  /** The networks that have threads, or calls that wait for one. */
  get #networks(): readonly Network[] {
    return [...this.#seats, ...this.#leaving].map(({ network }) => network).concat(this.#waiting.networks)
  }

  get #hasRoom(): boolean {
    return this.#seats.size + this.#leaving.size + this.#ending.size < this.#max
  }

  get #isEmpty(): boolean {
    const { running, waiting } = this.status
    return running === 0 && waiting === 0
  }

  #checkEmpty(): void {
    if (this.#isEmpty) this.#onEmpty()
  }

  /** Has piscina find a thread, or start one. */
  #open(network: Network): Seat {
    const seat = new Seat({
      network,
      kernel: this.#options.kernel,
      program: this.program,
      onEnd: this.#onEnd,
      onReturn: this.#onReturn,
      end: this.kill,
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
    this.#leaving.delete(seat)
    // It counts until its thread is gone; one that does not end holds nobody up for long.
    this.#ending.add(seat, this.#feedSoon)
    seat.end()
  }

  /** A thread is given no more calls, and ended once it has nothing left to do. */
  #dismiss(seat: Seat): void {
    if (!this.#seats.delete(seat)) return
    this.#leaving.add(seat)
    this.#waiting.gaveWay(seat.network)
    this.#takeBack(seat)
    if (seat.size === 0) this.#drain(seat)
  }

  #drain(seat: Seat): void {
    const { kernel } = this.#options
    void kernel.threads.drain(seat.thread, kernel.drainTimeout).then((isCut) => {
      if (!this.#leaving.has(seat)) return
      if (isCut) kernel.note(`${this.entry}: thread ${seat.thread.number} gave way to another network and was cut: it still ran something`)
      this.#close(seat)
    })
  }

  #threadEnded(seat: Seat, error: TroupeError): void {
    this.#seats.delete(seat)
    this.#leaving.delete(seat)
    seat.hasEnded = true
    seat.setEnded(error)
    // Else what it said last is read before its end is told, and it counts until then.
    if (!seat.taken) this.#options.kernel.threads.remove(seat.thread, error)
    if (seat.thread.gone) this.#ending.delete(seat)
    else this.#ending.add(seat, this.#feedSoon)
    this.#feedSoon()
  }

  #give(seat: Seat, calls: readonly PoolCall[]): void {
    seat.offer(calls)
    if (seat.size > 1) this.#watchPatience()
  }

  readonly #feedSoon = (): void => {
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
      this.#waiting.addFirst(this.#returned.splice(0).filter(({ settled }) => !settled))
    }
    // Those that wait longest first, where one thread is there for several networks.
    const networks = this.#waiting.networks.toSorted((a, b) => this.#waiting.waitingSince(a) - this.#waiting.waitingSince(b))
    for (const network of networks) this.#seatAll(network)
    this.#makeRoom()
    for (const seat of this.#seats) {
      if (this.#waiting.size === 0) return
      if (!this.#isOwed(seat)) this.#refill(seat)
    }
  }

  #seatAll(network: Network): void {
    while (this.#waiting.count(network) > 0) {
      const idle = idleIn(network, this.#seats)
      const seat = idle ?? (this.#hasRoom ? this.#open(network) : undefined)
      // One that is to give way takes no more, however long its network's own calls wait.
      if (seat === undefined || (seat === idle && this.#isOwed(seat))) return
      this.#give(seat, this.#waiting.take(network, 1))
    }
  }

  /** Threads without work give way to networks without a thread. Where all work, those are given way that go from call to call. */
  #makeRoom(): void {
    if (this.#hasRoom) return
    for (const network of unseated(this.#waiting, this.#seats, this.#leaving.size)) {
      const idle = this.#seats.values().find((seat) => seat.isIdle)
      if (idle === undefined) this.#watchFairness(network)
      else this.#dismiss(idle)
    }
  }

  #watchFairness(network: Network): void {
    const due = this.#waiting.waitingSince(network) + fairWait - performance.now()
    this.#fairTimer ??= startTimer(
      () => {
        this.#fairTimer = undefined
        for (const seat of this.#seats) if (this.#isOwed(seat)) this.#takeBack(seat)
        this.#feedSoon()
      },
      due > 0 ? due : fairWait,
    ).unref()
  }

  /** Whether a network without a thread has waited so long that this one's is to give way. */
  #isOwed(seat: Seat): boolean {
    return isOwed(seat, this.#waiting, this.#seats, this.#leaving.size)
  }

  #refill(seat: Seat): void {
    const { network } = seat
    const waiting = this.#waiting.count(network)
    if (waiting === 0) return
    const seats = this.#seats.values().reduce((sum, other) => (other.network.key === network.key ? sum + 1 : sum), 0)
    const calls = this.#waiting.take(network, Math.min(seat.room, Math.ceil(waiting / seats)))
    if (calls.length > 0) this.#give(seat, calls)
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
    if (this.#waiting.size > 0 && !this.#closed && this.#seats.has(seat)) {
      if (this.#isOwed(seat)) this.#feedSoon()
      else this.#refill(seat)
    }
    if (seat.size > 0) return
    if (this.#leaving.has(seat)) this.#drain(seat)
    // One that a nested call needed beyond `max`.
    else if (this.#seats.size > this.#max) this.#dismiss(seat)
    else if (this.#waiting.size > 0) this.#feedSoon()
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
    const isHere = () => this.#seats.has(seat) || this.#leaving.has(seat)
    if (!isHere()) {
      if (seat.hasEnded) this.#ending.delete(seat)
      this.#feedSoon()
      return
    }
    startTimer(() => {
      if (isHere()) this.#close(seat)
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
      if (this.#seats.values().some((seat) => seat.isIdle)) this.#watchIdle()
    }, idleTimeout).unref()
  }
}
