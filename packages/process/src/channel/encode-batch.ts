/** Signals as bytes, for a thread of another operating-system process. */
import { errorToWire, invalid, openOpaque } from '@troupe/core'
import { encodeWithin } from '../pipe/codec.ts'
import { leaving } from './time-left.ts'
import type { SendRun, Signal } from '../protocol/signals.ts'

/** Makes bytes of signals. */
export type Encode = (signals: readonly Signal[]) => readonly Uint8Array<ArrayBuffer>[]

/** The same as {@link encodeBatches}, for a thread of another node. */
export function encodeForNode(signals: readonly Signal[]): readonly Uint8Array<ArrayBuffer>[] {
  return encodeBatches(signals.map(leaving))
}

/**
 * Encodes signals as one batch, or as several if one would hold more than a message may. For a result that cannot be
 * encoded as bytes, an error is sent instead. Messages can be encoded: their senders got errors for others.
 */
export function encodeBatches(signals: readonly Signal[]): readonly Uint8Array<ArrayBuffer>[] {
  try {
    return [encodeWithin(signals.map(opened))]
  } catch (cause) {
    const [signal] = signals
    if (signal === undefined) return []
    if (signals.length === 1) {
      const run = signal.op === 'send' && signal.payloads.length > 1 ? signal : undefined
      return run === undefined ? replaced(signal, cause) : encodeBatches(halves(run))
    }
    const half = signals.length >> 1
    return [...encodeBatches(signals.slice(0, half)), ...encodeBatches(signals.slice(half))]
  }
}

/** A run of messages as two runs. */
function halves(run: SendRun): readonly SendRun[] {
  const half = run.payloads.length >> 1
  return [
    { ...run, payloads: run.payloads.slice(0, half) },
    { ...run, payloads: run.payloads.slice(half) },
  ]
}

/** A result is counted on its way to or from a process, so it does not travel as bytes. */
function opened(signal: Signal): Signal {
  if (signal.op !== 'exit' || !('value' in signal.exit)) return signal
  return { ...signal, exit: { value: openOpaque(signal.exit.value) } }
}

function replaced(signal: Signal, cause: unknown): readonly Uint8Array<ArrayBuffer>[] {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const error = errorToWire(invalid(`it does not cross to another operating-system process: ${reason}`))
  switch (signal.op) {
    case 'exit':
      return [encodeWithin([{ ...signal, exit: { error } }])]
    case 'reply':
      return [encodeWithin([{ op: 'badReply', call: signal.call, error }])]
    case 'closed':
    case 'linkDown':
      return [encodeWithin([{ ...signal, error }])]
    default:
      process.emitWarning(`a ${signal.op} to another operating-system process was lost: ${reason}`)
      return []
  }
}
