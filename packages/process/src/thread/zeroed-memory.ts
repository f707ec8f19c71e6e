/**
 * Memory that Node allocates without clearing contains what other threads of the program have freed: arguments of their
 * calls, their keys. The option `--zero-fill-buffers` applies to the whole program only, and cannot be set per thread.
 * So in a thread of the application the functions that allocate such memory clear it. There is also no pool whose other
 * contents are visible behind a small buffer (`docs/threat-model.md`).
 */

/**
 * Call it before any code of the application runs. It also applies to Node's own modules, which create their buffers
 * with the same functions.
 */
export function clearMemory(): void {
  const alloc = Buffer.alloc.bind(Buffer)
  const cleared = (size: number): Buffer => alloc(size)
  for (const name of ['allocUnsafe', 'allocUnsafeSlow'] as const) {
    Object.defineProperty(cleared, 'name', { value: name })
    Object.defineProperty(Buffer, name, { value: cleared, writable: false, configurable: false, enumerable: true })
  }
  // Libraries may set it, without effect.
  Object.defineProperty(Buffer, 'poolSize', { get: () => 0, set: () => {}, configurable: false, enumerable: true })
}
