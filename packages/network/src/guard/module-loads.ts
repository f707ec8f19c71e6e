/**
 * Tells when one of a few npm packages was loaded, with what it exports. Only their entry files are touched: a line at their end hands
 * `module.exports` to a diagnostics channel.
 */
import { channel } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

const loads = channel('troupe:guard:loaded')

/** Entry files by package. */
const entries: Readonly<Record<string, string>> = {
  undici: 'index.js',
  pg: 'lib/index.js',
  'pg-pool': 'index.js',
  ioredis: 'built/index.js',
  mysql2: 'index.js',
}
const pattern = new RegExp(
  `/node_modules/(${Object.entries(entries)
    .map(([name, file]) => `${name}/${file.replaceAll('.', String.raw`\.`)}`)
    .join('|')})$`,
)

/** Calls `seen` with the name and the exports of each copy of those packages. */
export function onPackageLoad(seen: (name: string, exports: object) => void): void {
  loads.subscribe((message) => {
    if (isLoad(message)) seen(message.name, message.exports)
  })
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const found = url.endsWith('.js') ? pattern.exec(url)?.[1] : undefined
      if (found === undefined || (loaded.format !== 'commonjs' && loaded.format !== undefined && loaded.format !== null)) return loaded
      const name = found.slice(0, found.indexOf('/'))
      const source =
        loaded.source === null || loaded.source === undefined ? readFileSync(fileURLToPath(url), 'utf8') : asText(loaded.source)
      return { ...loaded, format: 'commonjs', shortCircuit: true, source: `${source}\n;${announcement(name)}` }
    },
  })
}

function announcement(name: string): string {
  return `process.getBuiltinModule('node:diagnostics_channel').channel('troupe:guard:loaded').publish({ name: '${name}', exports: module.exports })`
}

function asText(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source)
}

function isLoad(message: unknown): message is { readonly name: string; readonly exports: object } {
  if (typeof message !== 'object' || message === null || !('name' in message) || !('exports' in message)) return false
  const { exports } = message
  return typeof message.name === 'string' && ((typeof exports === 'object' && exports !== null) || typeof exports === 'function')
}
