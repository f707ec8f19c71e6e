/**
 * The responses of Node's servers. Listeners of a response run in the context of its request, not of its connection.
 */
import { ServerResponse } from 'node:http'
import { constants, Http2ServerResponse } from 'node:http2'
import { runInSlot, type Slot } from '@troupe/core'

export class Http1Outgoing extends ServerResponse {
  /** The slot of the code that responds. */
  slot: Slot | undefined
  /** Whether it is closed for further writes. */
  isClosed = false

  override emit(event: string | symbol, ...values: readonly unknown[]): boolean {
    if (event === 'close') this.isClosed = true
    if (event === 'error' && this.listenerCount('error') === 0) return false
    return this.slot === undefined ? super.emit(event, ...values) : runInSlot(this.slot, () => super.emit(event, ...values))
  }
}

export class Http2Outgoing extends Http2ServerResponse {
  /** The slot of the code that responds. */
  slot: Slot | undefined
  /** Whether it is closed for further writes. */
  isClosed = false

  override emit(event: string | symbol, ...values: readonly unknown[]): boolean {
    if (event === 'close') this.isClosed = true
    if (event === 'error' && this.listenerCount('error') === 0) return false
    return this.slot === undefined ? super.emit(event, ...values) : runInSlot(this.slot, () => super.emit(event, ...values))
  }
}

export type Outgoing = Http1Outgoing | Http2Outgoing

/** Returns whether nothing more can be written. */
export function isOver(outgoing: Outgoing): boolean {
  if (outgoing instanceof Http2ServerResponse) return isReset(outgoing)
  return outgoing.destroyed || outgoing.isClosed
}

/** Returns whether all of it has been sent, once it is closed. */
export function isSent(outgoing: Outgoing): boolean {
  if (!(outgoing instanceof Http2ServerResponse)) return outgoing.writableFinished
  const { rstCode, aborted } = outgoing.stream
  return outgoing.writableEnded && !aborted && rstCode === constants.NGHTTP2_NO_ERROR
}

/** Returns the number of bytes that the client has not read yet. */
export function pendingBytes(outgoing: Outgoing): number {
  return outgoing instanceof Http2ServerResponse ? outgoing.stream.writableLength : outgoing.writableLength
}

/** Breaks a response off, so that the client sees that it is incomplete. */
export function breakOff(outgoing: Outgoing): void {
  if (outgoing instanceof Http2ServerResponse) outgoing.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  else outgoing.destroy()
}

function isReset({ stream }: Http2Outgoing): boolean {
  return stream.destroyed || stream.closed || stream.aborted
}
