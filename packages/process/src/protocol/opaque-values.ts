/**
 * Values as bytes, in what an operating-system process sends: they are refused, because it was not counted what they
 * stand for. Its own values are counted before they are decoded (`pipe/decode-cost.ts`).
 */
import { isOpaque } from '@troupe/core'
import { isRecord } from './validators.ts'

const fault = 'it sent a value that was not counted'

/** Returns what is wrong with a valid message to the kernel. */
export function opaqueInMessage(message: object): string | undefined {
  const exit: unknown = Reflect.get(message, 'exit')
  const ask: unknown = Reflect.get(message, 'ask')
  if (isRecord(exit) && isOpaque(exit['value'])) return fault
  const args: unknown = isRecord(ask) ? ask['args'] : undefined
  return Array.isArray(args) && args.some(isOpaque) ? fault : undefined
}

/** Returns what is wrong with a valid batch of signals. */
export function opaqueInBatch(batch: readonly object[]): string | undefined {
  return batch.some(holdsOpaque) ? fault : undefined
}

function holdsOpaque(signal: object): boolean {
  if ('payloads' in signal && Array.isArray(signal.payloads)) return signal.payloads.some(isOpaque)
  if ('payload' in signal) return isOpaque(signal.payload)
  return 'exit' in signal && isRecord(signal.exit) && isOpaque(signal.exit['value'])
}
