/** The module that a program names: by its URL, or by a function that imports it. */
import { invalid } from '@troupe/core'
import { pathToFileURL } from 'node:url'
import { getCallSites } from 'node:util'

/** `() => import('./job.ts')` */
const bare = /^\(\s*\)\s*=>\s*import\(\s*(["'`])([^"'`\\$]+)\1\s*\)$/

/**
 * Returns the URL of a module. A function must do nothing but import it: it is not called, since it would load the
 * module in the caller's thread. A relative path in it is relative to the caller's file. Call this synchronously.
 *
 * @param from - The URL of the file that calls this: its own caller is meant.
 * @throws TroupeError `Invalid`
 */
export function moduleOf(load: unknown, what: string, from: string): URL {
  if (load instanceof URL) return load
  if (typeof load !== 'function')
    throw invalid(`${what}: expected the URL of a module, or a function such as () => import('…')`)
  const source = Function.prototype.toString.call(load)
  if (source.includes('__vite_ssr_dynamic_import__')) {
    throw invalid(`${what}: Vite has rewritten this function, and the path in it: pass new URL('…', import.meta.url)`)
  }
  const [, , specifier] = bare.exec(source) ?? []
  if (specifier === undefined) {
    throw invalid(
      `${what}: a function cannot run in another thread with the state that it closes over: ` +
        'pass the URL of a module, ' +
        "or a function that does nothing but () => import('…'), and pass values as arguments of its exports",
    )
  }
  if (specifier.startsWith('file:')) return new URL(specifier)
  if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, callerOf(what, from))
  throw invalid(
    `${what}: "${specifier}" is a package, whose place depends on the importing file: ` +
      `pass new URL(import.meta.resolve('${specifier}'))`,
  )
}

/** The file of the code that called the file `from`. */
function callerOf(what: string, from: string): string {
  const names = getCallSites(50).map(({ scriptName }) => fileUrl(scriptName))
  const outside = names.find((name) => name !== undefined && name !== from && name !== import.meta.url)
  if (outside !== undefined) return outside
  throw invalid(`${what}: the caller's file is unknown: pass new URL('…', import.meta.url)`)
}

function fileUrl(name: string): string | undefined {
  if (name.startsWith('file:')) return name
  return name.startsWith('/') || /^[A-Za-z]:[/\\]/.test(name) ? pathToFileURL(name).href : undefined
}
