/**
 * Encodes values as bytes, in the format of structured clone. Views keep their whole buffers, as they do between
 * threads.
 */
import { Deserializer, Serializer } from 'node:v8'

/** @throws an error for values that cannot be carried as bytes: shared memory, ports, streams, Node's own objects. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const serializer = new Serializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return serializer.releaseBuffer()
}

/** @throws an error for invalid bytes. */
export function decode(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes)
  deserializer.readHeader()
  const value: unknown = deserializer.readValue()
  return value
}
