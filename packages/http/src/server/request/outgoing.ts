/** The responses of Node's servers. What listens to one runs as the request that it answers, not as the connection that it goes by. */
import { ServerResponse } from 'node:http'
import { constants, Http2ServerResponse } from 'node:http2'
import { runInSlot, type Slot } from '@troupe/core'

export class Http1Outgoing extends ServerResponse {
  /** Of the code that answers. */
  slot: Slot | undefined
  /** Whether nothing comes after it any more. */
  isClosed = false

  override emit(event: string | symbol, ...values: readonly unknown[]): boolean {
    if (event === 'close') this.isClosed = true
    if (event === 'error' && this.listenerCount('error') === 0) return false
    return this.slot === undefined ? super.emit(event, ...values) : runInSlot(this.slot, () => super.emit(event, ...values))
  }
}

export class Http2Outgoing extends Http2ServerResponse {
  /** Of the code that answers. */
  slot: Slot | undefined
  /** Whether nothing comes after it any more. */
  isClosed = false

  override emit(event: string | symbol, ...values: readonly unknown[]): boolean {
    if (event === 'close') this.isClosed = true
    if (event === 'error' && this.listenerCount('error') === 0) return false
    return this.slot === undefined ? super.emit(event, ...values) : runInSlot(this.slot, () => super.emit(event, ...values))
  }
}

export type Outgoing = Http1Outgoing | Http2Outgoing

/** Whether nothing more can be written. */
export function isOver(outgoing: Outgoing): boolean {
  if (outgoing instanceof Http2ServerResponse) return isReset(outgoing)
  return outgoing.destroyed || outgoing.isClosed
}

/** Whether all of it has been sent, once it is closed. */
export function isSent(outgoing: Outgoing): boolean {
  if (!(outgoing instanceof Http2ServerResponse)) return outgoing.writableFinished
  const { rstCode, aborted } = outgoing.stream
  return outgoing.writableEnded && !aborted && rstCode === constants.NGHTTP2_NO_ERROR
}

/** Bytes that the client has still to take. */
export function pendingBytes(outgoing: Outgoing): number {
  return outgoing instanceof Http2ServerResponse ? outgoing.stream.writableLength : outgoing.writableLength
}

/** Ends a response before its end, so that the client sees that something is missing. */
export function breakOff(outgoing: Outgoing): void {
  if (outgoing instanceof Http2ServerResponse) outgoing.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  else outgoing.destroy()
}

function isReset({ stream }: Http2Outgoing): boolean {
  return stream.destroyed || stream.closed || stream.aborted
}
