/**
 * One request as a participant: the service, in a frame with the request's deadline and trace. Its begin: who acts,
 * until when, and as part of which trace; and the fields that middleware and handlers find in hono's context.
 */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import {
  childTrace,
  type EntryId,
  fork,
  type Frame,
  isTracing,
  type Pid,
  type Slot,
  type Span,
  startTimer,
  stopTimer,
  type TraceContext,
  traceOfFields,
  TroupeError,
} from '@troupe/core'
import { type Peer, peerOf } from '@troupe/network'
import { currentRuntime, LocalTask } from '@troupe/process'
import { discard } from './discard.ts'
import { breakOff, Http1Outgoing, Http2Outgoing, isClosed, isOver, isSent, type Outgoing } from './outgoing.ts'
import { logFailure } from './log.ts'
import { endRequestSpan, requestSpan } from './spans.ts'
import type { EndpointRoute, EventsRoute, ServerSettings, SocketRoute } from '../routing/route-table.ts'

export type Incoming = IncomingMessage | Http2ServerRequest

export interface ServerEnvironment {
  readonly Bindings: {
    readonly incoming: Incoming
    /** Undefined for an upgrade. */
    readonly outgoing: Outgoing | undefined
    readonly service: EntryId
    /** The peer that opened the connection, as the overlay reports it. */
    readonly peer: Peer | undefined
    /** The client's address, where a trusted proxy reports it. */
    readonly client: string | undefined
    /** The request as a participant: the identity under which it runs. */
    readonly call: RequestCall
    /** The route of the request, if it has one. */
    route?: EndpointRoute | EventsRoute | SocketRoute
    /** The template of the path of a folder of files. */
    template?: string
    /** Set when it was counted among the WebSockets and event streams of its client. */
    isCounted?: boolean
    /** Set when an upgrade was routed to a WebSocket, and was accepted. */
    accepted?: Accepted
  }
}

export interface Accepted {
  readonly route: SocketRoute
  readonly params: Readonly<Record<string, string>>
  readonly remoteAddress: string | undefined
  /** The slot of the identity in force: middleware may have authenticated the caller. */
  readonly slot: Slot | undefined
}

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

export class RequestCall extends LocalTask {
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
    super({ pid, runtime: currentRuntime(), issued, frame, depth: 1 })
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
      if (this.#outgoing !== undefined && !isSent(this.#outgoing)) this.cancel('the client disconnected')
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
    } else if (isClosed(outgoing)) then()
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
  wait(answer: Promise<Response>, milliseconds: number, fails?: Promise<never>): Promise<Response> {
    return new Promise((resolve, reject) => {
      const timer =
        milliseconds === 0
          ? undefined
          : startTimer(() => {
              this.cancel('its deadline has passed')
              fail(new TroupeError('Timeout', `no response within ${milliseconds} ms`))
            }, milliseconds)
      const end = () => {
        stopTimer(timer)
        if (this.#onFail === fail) this.#onFail = undefined
      }
      let failed = false
      const fail = (error: unknown) => {
        failed = true
        end()
        reject(error)
      }
      this.#onFail = fail
      fails?.catch(fail)
      answer.then((response) => {
        if (failed) discard(response)
        end()
        resolve(response)
      }, fail)
    })
  }
}

/** A request, as Node provides it. */
export interface NodeExchange {
  readonly incoming: Incoming
  readonly outgoing: Outgoing | undefined
}

/** @param actor - The identity that acts, with the frame that the kernel issued: the service, or the peer. */
export function beginRequest(
  { incoming, outgoing }: NodeExchange,
  { pid, frame: issued }: { readonly pid: Pid; readonly frame: Frame },
  { service, fields, network }: ServerSettings,
): ServerEnvironment['Bindings'] {
  const { write } = fields.timeouts
  const from = traceOfFields(incoming.headers['traceparent'], incoming.headers['tracestate'])
  const span = isTracing() ? requestSpan(incoming, from) : undefined
  const frame = fork(issued, {
    ...placeInTrace(from, span),
    deadline: write > 0 && outgoing !== undefined ? Date.now() + write : undefined,
  })
  const call = new RequestCall({ pid, issued, frame, outgoing })
  const environment = {
    incoming,
    outgoing,
    service,
    peer: network === null ? undefined : peerOf(incoming.socket),
    client: outgoing?.client,
    call,
  }
  if (span !== undefined) call.onEnd(() => endRequestSpan(span, environment))
  return environment
}

/** No trace begins here by itself: it would link requests that may have to stay unlinked. */
function placeInTrace(from: TraceContext | undefined, span: Span | undefined): TraceContext {
  if (span !== undefined) return { trace: span.trace, traceState: span.traceState }
  return { trace: from?.trace === undefined ? undefined : childTrace(from.trace), traceState: from?.traceState }
}
