/** The contents of `process.env` in threads. */
import { compileCacheFolder } from '@troupe/core/compile-cache'

const cacheVariable = 'NODE_COMPILE_CACHE'

/**
 * The program's environment, plus a compile cache. Without the cache, each thread strips and compiles all modules
 * again.
 */
export function threadEnvironment(): NodeJS.ProcessEnv {
  const cache = compileCacheFolder()
  return cache === undefined ? process.env : { ...process.env, [cacheVariable]: cache }
}

/** The folder of compiled code, for a thread that does not see the environment: it reads the code, and writes none. */
export function codeFolder(): { readonly codeFolder?: string } {
  const cache = threadEnvironment()[cacheVariable]
  return cache === undefined ? {} : { codeFolder: cache }
}

/** `NODE_OPTIONS` could contain permissions, which Node would add to those of the flags of a sealed thread. */
const notForSealed: ReadonlySet<string> = new Set(['NODE_OPTIONS'])

/**
 * The environment of one thread: all of it, or the variables in `names`. A sealed thread gets only the variables in
 * `names`, even if there are none. It compiles without the cache, because it could not write to it.
 */
export function environmentOf(
  all: NodeJS.ProcessEnv,
  sealed: boolean,
  names: readonly string[] | undefined,
): NodeJS.ProcessEnv {
  if (names === undefined && !sealed) return all
  const chosen = sealed ? (names ?? []).filter((name) => !notForSealed.has(name)) : [...(names ?? []), cacheVariable]
  return Object.fromEntries(chosen.filter((name) => all[name] !== undefined).map((name) => [name, all[name]]))
}
