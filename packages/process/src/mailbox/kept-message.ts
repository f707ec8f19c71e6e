/**
 * The content of a message that no process took, as bytes: it can be sent once more. Bytes carry no handles and no
 * shared memory, and only the code that sends it again decodes them.
 */
import { type Frame, weightOfCopy } from '@troupe/core'
import { decodeWithin, encodeWithin } from '../pipe/codec.ts'
import { weightOf } from '../protocol/foreign-handles.ts'
import { checkPlain } from '../protocol/network-crossing.ts'

/** What is kept of a message. */
export interface KeptMessage {
  /** In the form of `payload.ts`. */
  readonly payload: unknown
  readonly values: Frame['values']
  readonly trace: string | undefined
}

/** What a message that was lost consisted of. */
export interface LostMessage {
  readonly payload: unknown
  readonly frame: Frame
}

/** Returns the bytes of a message; `undefined` where it has more than `most`, or holds what bytes cannot carry. */
export function keepMessage({ payload, frame }: LostMessage, most: number): Uint8Array | undefined {
  if ((weightOfCopy(payload) ?? weightOf(payload)) > most) return undefined
  const { values, trace } = frame
  const kept: KeptMessage = { payload, values, trace }
  try {
    checkPlain(kept, 'message')
    const bytes = encodeWithin(kept)
    return bytes.length <= most ? bytes : undefined
  } catch {
    return undefined
  }
}

/** Decodes the bytes of a thread. @throws an error where they are no such message. */
export function openMessage(bytes: Uint8Array): KeptMessage {
  const value = decodeWithin(bytes)
  if (typeof value !== 'object' || value === null || !('payload' in value)) throw new Error('it is no message')
  const { payload } = value
  const values = 'values' in value && isRecord(value.values) ? value.values : {}
  const trace = 'trace' in value && typeof value.trace === 'string' ? value.trace : undefined
  return { payload, values, trace }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
