/** Packages that most applications do not use load when they are first used, not at every start. */

/**
 * Returns a function that loads a package at its first call, synchronously, and returns its exports.
 *
 * @example
 * ```ts
 * const piscina = lazyModule<typeof Piscina>(() => createRequire(import.meta.url)('piscina'))
 * ```
 *
 * @typeParam Exports - `typeof import('name')`
 * @param load - Written as in the example: tools that trace the files of a program know this form.
 */
export function lazyModule<Exports>(load: () => unknown): () => Exports {
  let loaded: Exports | undefined
  return () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller names its type
    loaded ??= load() as Exports
    return loaded
  }
}
