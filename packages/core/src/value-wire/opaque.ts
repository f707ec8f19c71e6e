/**
 * Large values that pass through a thread which does not read them: they travel as bytes, so that this thread need not
 * decode them.
 */
import { Deserializer, Serializer } from 'node:v8'

/** Returns a value as bytes; `undefined` for one that bytes cannot carry: shared memory, objects of Node. */
export function toBytes(value: unknown): Uint8Array<ArrayBuffer> | undefined {
  try {
    const serializer = new Serializer()
    serializer.writeHeader()
    serializer.writeValue(value)
    return serializer.releaseBuffer()
  } catch {
    return undefined
  }
}

/** Returns the value of {@link toBytes}. @throws an error for other bytes. */
export function fromBytes(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes)
  deserializer.readHeader()
  const value: unknown = deserializer.readValue()
  return value
}
