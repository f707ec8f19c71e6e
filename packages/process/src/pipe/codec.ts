/**
 * Encodes values as bytes, in the format of structured clone. Views keep their whole buffers, as they do between
 * threads.
 */
import { Deserializer, Serializer } from 'node:v8'
import { checkDecodeCost } from './decode-cost.ts'

/** What one message of an operating-system process may cost its receiver: some 50,000 objects, or half a million numbers. */
export const messageBudget = 1_000_000
/** The part of {@link messageBudget} that a payload may use: the rest is for the message around it, with its frame. */
export const payloadBudget = 900_000
/** Messages of so few bytes, from code that is trusted, are within the budget. */
const alwaysWithin = 64 << 10

/** @throws an error for values that cannot be carried as bytes: shared memory, ports, streams, Node's own objects. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const serializer = new Serializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return serializer.releaseBuffer()
}

/** Encodes what the other side will refuse beyond {@link messageBudget}. @throws an error where it would, and as {@link encode}. */
export function encodeWithin(value: unknown, budget = messageBudget): Uint8Array<ArrayBuffer> {
  const bytes = encode(value)
  if (bytes.length > alwaysWithin) checkDecodeCost(bytes, budget)
  return bytes
}

/** @throws an error for invalid bytes. */
export function decode(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes)
  deserializer.readHeader()
  const value: unknown = deserializer.readValue()
  return value
}

/** Decodes what comes from a process that is not trusted. @throws an error for bytes that are no value, or exceed {@link messageBudget}. */
export function decodeWithin(bytes: Uint8Array): unknown {
  checkDecodeCost(bytes, messageBudget)
  return decode(bytes)
}
