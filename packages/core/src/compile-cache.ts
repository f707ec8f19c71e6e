/** The folder of V8's compiled code, which the program and its threads share. */
import { enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePrivateFolder } from './private-folder.ts'

/**
 * Returns the folder of the compile cache. Returns nothing if the user chose a folder or disabled the cache, and if the
 * folder is not private: the program runs the code in it, so a folder that another user could have filled is not used.
 */
export function compileCacheFolder(): string | undefined {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined || process.env['NODE_DISABLE_COMPILE_CACHE'] !== undefined)
    return undefined
  const folder = join(tmpdir(), `troupe-compile-cache-${process.getuid?.() ?? 'user'}`)
  return ensurePrivateFolder(folder) ? folder : undefined
}

/**
 * Enables the compile cache for the modules that this program loads from now on. Not where coverage is measured: V8
 * counts less exactly in code that was compiled before.
 */
export function useCompileCache(): void {
  const folder = process.env['NODE_V8_COVERAGE'] === undefined ? compileCacheFolder() : undefined
  if (folder !== undefined) enableCompileCache(folder)
}

declare global {
  interface ImportMeta {
    /** Set in the scripts of bundles (`script-loader.ts`). */
    readonly saveCompiledCode?: () => void
  }
}

/** Saves the code that V8 has compiled for this thread, where a bundle runs. Call it before a change of V8's flags. */
export function saveCompiledCode(): void {
  import.meta.saveCompiledCode?.()
}
