/** Parcels as bytes, for a thread of another operating-system process. */
import { errorToWire, invalid } from '@troupe/core'
import { encode } from '../pipe/codec.ts'
import type { Parcel } from '../protocol/kernel-thread.ts'

/** What was put before the two were introduced was not checked: what does not travel as bytes is told as that. */
export function encodeBatch(batch: readonly Parcel[]): Uint8Array<ArrayBuffer> {
  try {
    return encode(batch)
  } catch {
    return encode(batch.map(encodable).filter((parcel) => parcel !== undefined))
  }
}

function encodable(parcel: Parcel): Parcel | undefined {
  try {
    encode(parcel)
    return parcel
  } catch (cause) {
    const error = errorToWire(invalid(`it does not cross to another operating-system process: ${String(cause)}`))
    switch (parcel.op) {
      case 'exit':
        return { ...parcel, exit: { error } }
      case 'reply':
        return { op: 'badReply', call: parcel.call, error }
      default:
        process.emitWarning(`a ${parcel.op} to another operating-system process was lost: ${String(cause)}`)
        return undefined
    }
  }
}
