/**
 * Copies views of buffers to their own length: a `Buffer` of two bytes is usually a view of a pool of 64 KiB.
 * Distinguishes shared memory from memory of one thread.
 */
import { types } from 'node:util'

/** Returns a copy that holds only the bytes of `view`. A view of shared memory stays a view of the same memory. */
export function copyView(view: ArrayBufferView): object {
  if (isSharedMemory(view.buffer)) return structuredClone(view)
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice()
  if (view instanceof DataView) return new DataView(bytes.buffer)
  const constructor: unknown = Reflect.get(globalThis, typeOf(view))
  const copied: unknown = typeof constructor === 'function' ? Reflect.construct(constructor, [bytes.buffer]) : bytes
  return ArrayBuffer.isView(copied) ? copied : bytes
}

/** Whether the memory of `view` has been transferred to another owner. */
export function isDetached(view: ArrayBufferView): boolean {
  return view.buffer instanceof ArrayBuffer && view.buffer.detached
}

/** Whether another thread would also see this memory. */
export function isSharedMemory(value: object): boolean {
  return types.isSharedArrayBuffer(value) || tagOf(value) === 'WebAssembly.Memory'
}

/** The type that structured clone makes of the view: `Uint8Array` for a `Buffer`. */
function typeOf(view: ArrayBufferView): string {
  return tagOf(view) ?? 'Uint8Array'
}

function tagOf(value: object): string | undefined {
  try {
    const tag: unknown = Reflect.get(value, Symbol.toStringTag)
    return typeof tag === 'string' ? tag : undefined
  } catch {
    return undefined
  }
}
