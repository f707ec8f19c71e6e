/**
 * Encodes values as bytes, in the format of structured clone. Views keep their whole buffers, as they do between
 * threads.
 */
import { Deserializer, Serializer } from 'node:v8'
import { messageBudget } from '../protocol/message-budget.ts'
import { checkDecodeCost, DecodeError } from './decode-cost.ts'
import { maxPayload } from './frames.ts'

interface EncodedLimit {
  /** The cost to decode it. */
  readonly budget: number
  readonly bytes: number
}

const messageLimit: EncodedLimit = { budget: messageBudget, bytes: maxPayload }
/** The part of a message that a payload may use: the rest is for the message around it, with its frame. */
export const payloadLimit: EncodedLimit = { budget: 900_000, bytes: maxPayload - (2 << 20) }
/** Messages of so few bytes, from code that is trusted, are within the budget. */
const alwaysWithin = 64 << 10

/** @throws an error for values that cannot be carried as bytes: shared memory, ports, streams, Node's own objects. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const serializer = new Serializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return serializer.releaseBuffer()
}

/** Encodes what the other side will refuse beyond a limit. @throws an error where it would, and as {@link encode}. */
export function encodeWithin(value: unknown, limit = messageLimit): Uint8Array<ArrayBuffer> {
  const bytes = encode(value)
  if (bytes.length > limit.bytes)
    throw new DecodeError(`it has ${bytes.length} bytes, and one message may have ${limit.bytes}`)
  if (bytes.length > alwaysWithin) checkDecodeCost(bytes, limit.budget)
  return bytes
}

/** @throws an error for invalid bytes. */
export function decode(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes)
  deserializer.readHeader()
  const value: unknown = deserializer.readValue()
  return value
}

/** Decodes bytes of an untrusted process. @throws an error if they are no value, or exceed {@link messageBudget}. */
export function decodeWithin(bytes: Uint8Array): unknown {
  checkDecodeCost(bytes, messageBudget)
  return decode(bytes)
}
