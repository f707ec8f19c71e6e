/**
 * A module that is loaded anew (`app.ts?v=3`) takes along what it imports by relative paths: its version goes over to them, but not to
 * packages, which are imported by name. Each version of a module stays in memory as long as its thread lives.
 */
import { registerHooks } from 'node:module'

const version = /\?v=\d+$/

let installed = false

/** Readies the thread for modules with versions; called before the first one is loaded. */
export function carryVersions(module: string): void {
  if (installed || !version.test(module)) return
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
