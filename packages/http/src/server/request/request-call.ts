/** One request, as who acts in it: the service, in a frame with the request's deadline and trace. */
import { type Frame, type Pid, type Slot, TroupeError, startTimer, stopTimer } from '@troupe/core'
import { LocalCall } from '@troupe/process'
import { discard } from './discard.ts'
import { breakOff, Http1Outgoing, Http2Outgoing, isOver, isSent, type Outgoing } from './outgoing.ts'
import { logFailure } from './log.ts'

export interface RequestCallOptions {
  /** Who acts, as the kernel knows it, and the frame that it issued. */
  readonly pid: Pid
  readonly issued: Frame
  /** The frame of the request. */
  readonly frame: Frame
  /** Tells when the client goes; none for an upgrade. */
  readonly outgoing: Outgoing | undefined
}

/** Milliseconds in which the answer can be read of a connection that is not read any more. */
const linger = 50

export class RequestCall extends LocalCall {
  /** The frame of the request. */
  readonly frameOfRequest: Frame
  readonly #outgoing: Outgoing | undefined
  #answering: Slot
  #isWatched = false
  #cancelled: string | undefined
  #onCancel: ((reason: string) => void) | undefined
  #onFail: ((error: unknown) => void) | undefined
  #onEnd: (() => void)[] | undefined

  constructor({ pid, issued, frame, outgoing }: RequestCallOptions) {
    super({ pid, issued, frame, depth: 1 })
    this.frameOfRequest = frame
    this.#outgoing = outgoing
    this.#answering = { frame, owner: this }
    if (outgoing !== undefined) outgoing.slot = this.#answering
  }

  /** Of the code that answers: the service's, or that of the caller. */
  get answering(): Slot {
    return this.#answering
  }

  set answering(slot: Slot) {
    this.#answering = slot
    if (this.#outgoing !== undefined) this.#outgoing.slot = slot
  }

  /** Whether the client has gone, or the deadline has passed. */
  get isCancelled(): boolean {
    return this.#cancelled !== undefined
  }

  /** Aborts when the client goes, or the deadline passes. */
  override get signal(): AbortSignal {
    this.#watch()
    return super.signal
  }

  /** Calls back when the client goes, or the deadline passes, before the response has ended. */
  onCancel(then: (reason: string) => void): void {
    this.#watch()
    if (this.#cancelled === undefined) this.#onCancel = then
    else then(this.#cancelled)
  }

  override cancel(reason: string): void {
    super.cancel(reason)
    this.#cancelled ??= reason
    const then = this.#onCancel
    this.#onCancel = undefined
    then?.(reason)
  }

  /** The client is watched only once somebody wants to know. */
  #watch(): void {
    if (this.#isWatched || this.#outgoing === undefined) return
    this.#isWatched = true
    this.onEnd(() => {
      if (this.#outgoing !== undefined && !isSent(this.#outgoing)) this.cancel('the client has gone')
    })
  }

  override get ended(): boolean {
    return false
  }

  /** Calls back once when the response has been sent to its end, or will not be. */
  onEnd(then: () => void): void {
    const outgoing = this.#outgoing
    if (outgoing === undefined) {
      this.#onEnd ??= []
      this.#onEnd.push(then)
    } else if (outgoing.isClosed) then()
    else outgoing.once('close', then)
  }

  /** Nothing more is read of a connection that carries one request at a time: it ends with the answer. */
  stopReading(): void {
    const outgoing = this.#outgoing
    if (!(outgoing instanceof Http1Outgoing)) return
    outgoing.shouldKeepAlive = false
    const { socket } = outgoing
    // Who still sends would not see the answer, were the connection cut under it.
    outgoing.once('finish', () => startTimer(() => socket?.destroy(), linger))
  }

  /** The connection ends with the answer. */
  closeConnection(): void {
    this.stopReading()
    const outgoing = this.#outgoing
    if (!(outgoing instanceof Http2Outgoing)) return
    const { session } = outgoing.stream
    outgoing.once('close', () => session?.close())
  }

  /** An upgrade has come to its end. */
  end(): void {
    for (const then of this.#onEnd ?? []) then()
    this.#onEnd = undefined
  }

  /** An error that nobody caught ends the request; when that has been answered, all that is left to do is to log it. */
  override fail(error: unknown): void {
    if (this.#onFail === undefined) this.logLate(error)
    else this.#onFail(error)
  }

  /** Ends the request, which may not go on: it is refused, or its response is cut. */
  cut(reason: string): void {
    const outgoing = this.#outgoing
    this.cancel(reason)
    if (this.#onFail !== undefined) this.#onFail(new TroupeError('PermissionDenied', reason))
    else if (outgoing !== undefined && !isOver(outgoing)) breakOff(outgoing)
  }

  /** Logs an error that comes too late to be answered. */
  logLate(error: unknown): void {
    logFailure(this, this.frameOfRequest, error, { late: true })
  }

  /**
   * Waits for an answer as long as it counts; 0 milliseconds are for ever. One that comes too late is discarded.
   *
   * @param fails What ends the wait, too.
   * @throws TroupeError `Timeout`; what {@link fail} was told.
   */
  async wait(answer: Promise<Response>, milliseconds: number, fails?: Promise<never>): Promise<Response> {
    const { promise: failed, reject } = Promise.withResolvers<never>()
    this.#onFail = reject
    fails?.catch(reject)
    const timer =
      milliseconds === 0
        ? undefined
        : startTimer(() => {
            this.cancel('its deadline has passed')
            reject(new TroupeError('Timeout', `no answer in ${milliseconds} ms`))
          }, milliseconds)
    try {
      return await Promise.race([answer, failed])
    } catch (error) {
      answer.then(discard, () => undefined)
      throw error
    } finally {
      stopTimer(timer)
      this.#onFail = undefined
    }
  }
}
