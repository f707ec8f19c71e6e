/** What threads find in `process.env`. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePrivateFolder } from '../worker-threads/private-folder.ts'

const cacheVariable = 'NODE_COMPILE_CACHE'

/** The program's environment, and a compile cache, without which each thread strips and compiles all anew. */
export function threadEnvironment(): NodeJS.ProcessEnv {
  if (process.env[cacheVariable] !== undefined || process.env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return process.env
  const cache = join(tmpdir(), `troupe-compile-cache-${process.getuid?.() ?? 'user'}`)
  // Threads run what they find there: a folder that somebody else could have filled is not used.
  if (!ensurePrivateFolder(cache)) return process.env
  return { ...process.env, [cacheVariable]: cache }
}

/** In `NODE_OPTIONS` there could be permissions, which Node would add to those of the flags of a sealed thread. */
const notForSealed: ReadonlySet<string> = new Set(['NODE_OPTIONS'])

/**
 * The environment of one thread: all of it, or what `names` lists. A sealed thread has no more than that, whether anything is listed or not, and
 * compiles without the cache, which it could not write.
 */
export function environmentOf(all: NodeJS.ProcessEnv, sealed: boolean, names: readonly string[] | undefined): NodeJS.ProcessEnv {
  if (names === undefined && !sealed) return all
  const chosen = sealed ? (names ?? []).filter((name) => !notForSealed.has(name)) : [...(names ?? []), cacheVariable]
  return Object.fromEntries(chosen.filter((name) => all[name] !== undefined).map((name) => [name, all[name]]))
}
