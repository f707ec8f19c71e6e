/** Packages that most applications do not use load when they are first used, not at every start. */
import { createRequire } from 'node:module'

/**
 * Returns a function that loads a package at its first call, synchronously, and returns its exports.
 *
 * @typeParam Exports - `typeof import('name')`
 * @param from - `import.meta.url` of the caller: the package is resolved from there.
 */
export function lazyModule<Exports>(from: string, name: string): () => Exports {
  let loaded: Exports | undefined
  return () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller names its type
    loaded ??= createRequire(from)(name) as Exports
    return loaded
  }
}
