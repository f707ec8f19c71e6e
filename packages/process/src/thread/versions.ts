/**
 * Versions of modules. A module that is loaded again (`app.ts?v=3`) passes its version to its relative imports, but not
 * to packages, which are imported by name. Each version of a module stays in memory as long as its thread lives.
 */
import { createRequire, registerHooks } from 'node:module'

const version = /\?v=\d+$/

let installed = false
const seen = new Set<string>()
const { cache } = createRequire(import.meta.url)

/** Prepares the thread for modules with versions; called before the first one is loaded. */
export function carryVersions(module: string): void {
  const [found] = version.exec(module) ?? []
  if (found === undefined) return
  if (!seen.has(found)) forgetCommonJs()
  seen.add(found)
  if (installed) return
  installed = true
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      const carried = specifier.startsWith('.') ? version.exec(context.parentURL ?? '')?.[0] : undefined
      if (carried === undefined || !found.url.startsWith('file:') || found.url.includes('?')) return found
      return { ...found, url: found.url + carried }
    },
  })
}

/**
 * Clears CommonJS modules, which are cached by file name, regardless of the URL: the next load loads them again.
 * Packages stay, like those of ES modules.
 */
function forgetCommonJs(): void {
  for (const file of Object.keys(cache)) if (!file.includes('/node_modules/')) Reflect.deleteProperty(cache, file)
}
