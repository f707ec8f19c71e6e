/** One request as a participant: the service, in a frame with the request's deadline and trace. */
import { type Frame, type Pid, type Slot, TroupeError, startTimer, stopTimer } from '@troupe/core'
import { LocalCall } from '@troupe/process'
import { discard } from './discard.ts'
import { breakOff, Http1Outgoing, Http2Outgoing, isOver, isSent, type Outgoing } from './outgoing.ts'
import { logFailure } from './log.ts'

export interface RequestCallOptions {
  /** The identity that acts, with the frame that the kernel issued. */
  readonly pid: Pid
  readonly issued: Frame
  /** The frame of the request. */
  readonly frame: Frame
  /** Reports when the client disconnects; undefined for an upgrade. */
  readonly outgoing: Outgoing | undefined
}

/** Milliseconds in which the client can read the response on a connection that is no longer read. */
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

  /** Returns the slot of the code that responds: the service's, or that of the caller. */
  get answering(): Slot {
    return this.#answering
  }

  set answering(slot: Slot) {
    this.#answering = slot
    if (this.#outgoing !== undefined) this.#outgoing.slot = slot
  }

  /** Returns whether the client has disconnected, or the deadline has passed. */
  get isCancelled(): boolean {
    return this.#cancelled !== undefined
  }

  /** Aborts when the client disconnects, or the deadline passes. */
  override get signal(): AbortSignal {
    this.#watch()
    return super.signal
  }

  /** Calls `then` when the client disconnects, or the deadline passes, before the response has ended. */
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

  /** The client is watched only when code needs to know. */
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

  /** Calls `then` once when the response has been sent completely, or will not be. */
  onEnd(then: () => void): void {
    const outgoing = this.#outgoing
    if (outgoing === undefined) {
      this.#onEnd ??= []
      this.#onEnd.push(then)
    } else if (outgoing.isClosed) then()
    else outgoing.once('close', then)
  }

  /** Reads nothing more from a connection that carries one request at a time: it ends with the response. */
  stopReading(): void {
    const outgoing = this.#outgoing
    if (!(outgoing instanceof Http1Outgoing)) return
    outgoing.shouldKeepAlive = false
    const { socket } = outgoing
    // A client that is still sending would not see the response if the connection were cut at once.
    outgoing.once('finish', () => startTimer(() => socket?.destroy(), linger))
  }

  /** Ends the connection with the response. */
  closeConnection(): void {
    this.stopReading()
    const outgoing = this.#outgoing
    if (!(outgoing instanceof Http2Outgoing)) return
    const { session } = outgoing.stream
    outgoing.once('close', () => session?.close())
  }

  /** Handles the end of an upgrade. */
  end(): void {
    for (const then of this.#onEnd ?? []) then()
    this.#onEnd = undefined
  }

  /**
   * Handles an uncaught error: it ends the request. When the response has been sent already, the error is only logged.
   */
  override fail(error: unknown): void {
    if (this.#onFail === undefined) this.logLate(error)
    else this.#onFail(error)
  }

  /** Ends a request that must not continue: it is refused, or its response is cut off. */
  cut(reason: string): void {
    const outgoing = this.#outgoing
    this.cancel(reason)
    if (this.#onFail !== undefined) this.#onFail(new TroupeError('PermissionDenied', reason))
    else if (outgoing !== undefined && !isOver(outgoing)) breakOff(outgoing)
  }

  /** Logs an error that comes too late for a response. */
  logLate(error: unknown): void {
    logFailure(this, this.frameOfRequest, error, { late: true })
  }

  /**
   * Waits for a response until it is too late; 0 milliseconds disable the limit. A response that comes too late is
   * discarded.
   *
   * @param fails Also ends the wait when it rejects.
   * @throws TroupeError `Timeout`; the error that {@link fail} received.
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
            reject(new TroupeError('Timeout', `no response within ${milliseconds} ms`))
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
