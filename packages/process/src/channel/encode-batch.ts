/** Signals as bytes, for a thread of another operating-system process. */
import { errorToWire, invalid } from '@troupe/core'
import { encodeWithin } from '../pipe/codec.ts'
import type { Signal } from '../protocol/signals.ts'

/**
 * Encodes signals as one batch, or as several if one would hold more than a message may. Signals that were put before
 * the two threads were introduced were not validated. For one that cannot be encoded as bytes, an error is sent instead.
 */
export function encodeBatches(signals: readonly Signal[]): readonly Uint8Array<ArrayBuffer>[] {
  try {
    return [encodeWithin(signals)]
  } catch (cause) {
    const [signal] = signals
    if (signal === undefined) return []
    if (signals.length === 1) return replaced(signal, cause)
    const half = signals.length >> 1
    return [...encodeBatches(signals.slice(0, half)), ...encodeBatches(signals.slice(half))]
  }
}

function replaced(signal: Signal, cause: unknown): readonly Uint8Array<ArrayBuffer>[] {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const error = errorToWire(invalid(`it does not cross to another operating-system process: ${reason}`))
  switch (signal.op) {
    case 'exit':
      return [encodeWithin([{ ...signal, exit: { error } }])]
    case 'reply':
      return [encodeWithin([{ op: 'badReply', call: signal.call, error }])]
    default:
      process.emitWarning(`a ${signal.op} to another operating-system process was lost: ${reason}`)
      return []
  }
}
