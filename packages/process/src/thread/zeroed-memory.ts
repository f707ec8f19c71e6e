/**
 * Memory that Node hands out without clearing it holds what other threads of the program have freed: arguments of their calls, their keys. The
 * option `--zero-fill-buffers` is one of the whole program, and no thread may have it of its own. In a thread of the application the functions
 * that hand out such memory therefore clear it, and there is no pool whose rest shows behind a small buffer (`docs/threat-model.md`).
 */

/** Before any code of the application. It counts for Node's own modules, too, which make their buffers by the same functions. */
export function clearMemory(): void {
  const alloc = Buffer.alloc.bind(Buffer)
  const cleared = (size: number): Buffer => alloc(size)
  for (const name of ['allocUnsafe', 'allocUnsafeSlow'] as const) {
    Object.defineProperty(cleared, 'name', { value: name })
    Object.defineProperty(Buffer, name, { value: cleared, writable: false, configurable: false, enumerable: true })
  }
  // Libraries may set it, in vain.
  Object.defineProperty(Buffer, 'poolSize', { get: () => 0, set: () => {}, configurable: false, enumerable: true })
}
