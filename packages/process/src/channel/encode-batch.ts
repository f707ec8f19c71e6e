/** Signals as bytes, for a thread of another operating-system process. */
import { errorToWire, invalid } from '@troupe/core'
import { encode } from '../pipe/codec.ts'
import type { Signal } from '../protocol/kernel-thread.ts'

/**
 * Signals that were put before the two threads were introduced were not validated. For one that cannot be encoded as
 * bytes, an error is sent instead.
 */
export function encodeBatch(batch: readonly Signal[]): Uint8Array<ArrayBuffer> {
  try {
    return encode(batch)
  } catch {
    return encode(batch.map(encodable).filter((signal) => signal !== undefined))
  }
}

function encodable(signal: Signal): Signal | undefined {
  try {
    encode(signal)
    return signal
  } catch (cause) {
    const error = errorToWire(invalid(`it does not cross to another operating-system process: ${String(cause)}`))
    switch (signal.op) {
      case 'exit':
        return { ...signal, exit: { error } }
      case 'reply':
        return { op: 'badReply', call: signal.call, error }
      default:
        process.emitWarning(`a ${signal.op} to another operating-system process was lost: ${String(cause)}`)
        return undefined
    }
  }
}
