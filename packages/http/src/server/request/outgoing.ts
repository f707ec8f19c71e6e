/**
 * The responses of Node's servers. Listeners of a response run in the context of its request, not of its connection.
 */
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { constants, Http2ServerResponse } from 'node:http2'
import { runInSlot, type Slot } from '@troupe/core'

/** Where a request was routed to. */
export interface Routed {
  readonly route?: { readonly path: string }
  /** The template of the path of a folder of files. */
  readonly template?: string
}

/** Counts responses. */
export interface OutgoingCounter {
  ended(outgoing: Outgoing): void
}

export class Http1Outgoing extends ServerResponse {
  /** The slot of the code that responds. */
  slot: Slot | undefined
  /** The client's address, where a trusted proxy reports it. */
  client: string | undefined
  /** Counts it when it ends. */
  counter: OutgoingCounter | undefined
  /** When the request arrived, by the clock of `performance`. */
  begunAt = 0
  /** The route of the request, once it is known. */
  routed: Routed | undefined

  override emit(event: string | symbol, ...values: readonly unknown[]): boolean {
    if (event === 'close') return closed(this, () => super.emit(event, ...values))
    return event === 'error' && this.listenerCount('error') === 0 ? false : super.emit(event, ...values)
  }

  /** After the end it changes nothing: hono learns of the end by a response that it would write. */
  override writeHead(
    status: number,
    message?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    fields?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    if (this.writableEnded) return this
    return typeof message === 'string' ? super.writeHead(status, message, fields) : super.writeHead(status, message)
  }
}

export class Http2Outgoing extends Http2ServerResponse {
  /** The slot of the code that responds. */
  slot: Slot | undefined
  /** The client's address, where a trusted proxy reports it. */
  client: string | undefined
  /** Counts it when it ends. */
  counter: OutgoingCounter | undefined
  /** When the request arrived, by the clock of `performance`. */
  begunAt = 0
  /** The route of the request, once it is known. */
  routed: Routed | undefined
  /** Whether it is closed for further writes. */
  isClosed = false

  override emit(event: string | symbol, ...values: readonly unknown[]): boolean {
    if (event === 'close') return closed(this, () => super.emit(event, ...values))
    return event === 'error' && this.listenerCount('error') === 0 ? false : super.emit(event, ...values)
  }
}

/** Only the end calls code of the request: the listeners of its signal. */
function closed(outgoing: Outgoing, emit: () => boolean): boolean {
  if (outgoing instanceof Http2Outgoing) outgoing.isClosed = true
  const { counter } = outgoing
  outgoing.counter = undefined
  counter?.ended(outgoing)
  if (outgoing.listenerCount('close') === 0) return false
  return outgoing.slot === undefined ? emit() : runInSlot(outgoing.slot, emit)
}

export type Outgoing = Http1Outgoing | Http2Outgoing

/** Returns whether nothing more can be written. */
export function isOver(outgoing: Outgoing): boolean {
  return outgoing instanceof Http1Outgoing ? outgoing.destroyed : isReset(outgoing)
}

/** Returns whether its event `close` has come. */
export function isClosed(outgoing: Outgoing): boolean {
  return outgoing instanceof Http1Outgoing ? outgoing.closed : outgoing.isClosed
}

/** Returns whether all of it has been sent, once it is closed. */
export function isSent(outgoing: Outgoing): boolean {
  if (outgoing instanceof Http1Outgoing) return outgoing.writableFinished
  const { rstCode, aborted } = outgoing.stream
  return outgoing.writableEnded && !aborted && rstCode === constants.NGHTTP2_NO_ERROR
}

/** Returns the number of bytes that the client has not read yet. */
export function pendingBytes(outgoing: Outgoing): number {
  return outgoing instanceof Http1Outgoing ? outgoing.writableLength : outgoing.stream.writableLength
}

/** Breaks a response off, so that the client sees that it is incomplete. */
export function breakOff(outgoing: Outgoing): void {
  if (outgoing instanceof Http1Outgoing) outgoing.destroy()
  else outgoing.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
}

function isReset({ stream }: Http2Outgoing): boolean {
  return stream.destroyed || stream.closed || stream.aborted
}
