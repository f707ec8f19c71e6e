/** Values as bytes, in the form of structured clone. Views of buffers keep to their buffers, as they do between threads. */
import { Deserializer, Serializer } from 'node:v8'

/** @throws an error for what cannot be carried as bytes: shared memory, ports, streams, objects of Node's own. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const serializer = new Serializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return serializer.releaseBuffer()
}

/** @throws an error for bytes that are no value. */
export function decode(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes)
  deserializer.readHeader()
  const value: unknown = deserializer.readValue()
  return value
}
