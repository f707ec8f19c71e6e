/**
 * Tells when one of a few npm packages was loaded, with what it exports. Only a file or two of each are touched: a line at their end hands
 * `module.exports` to a diagnostics channel.
 */
import { channel } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

const loads = channel('troupe:guard:loaded')

/** Files, below `node_modules`, and the names under which they are told. */
const files: ReadonlyMap<string, string> = new Map([
  ['undici/index.js', 'undici'],
  ['pg/lib/index.js', 'pg'],
  ['pg-pool/index.js', 'pg-pool'],
  ['ioredis/built/index.js', 'ioredis'],
  ['mysql2/lib/base/pool.js', 'mysql2-pool'],
  ['mysql2/lib/base/connection.js', 'mysql2-connection'],
  ['@grpc/grpc-js/build/src/index.js', 'grpc'],
  ['@grpc/grpc-js/build/src/subchannel-pool.js', 'grpc-subchannels'],
])
const modules = '/node_modules/'

/** Calls `seen` with the name and the exports of each copy of those files. */
export function onPackageLoad(seen: (name: string, exports: object) => void): void {
  loads.subscribe((message) => {
    if (isLoad(message)) seen(message.name, message.exports)
  })
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const at = url.endsWith('.js') ? url.lastIndexOf(modules) : -1
      const name = at === -1 ? undefined : files.get(url.slice(at + modules.length))
      if (name === undefined || (loaded.format ?? 'commonjs') !== 'commonjs') return loaded
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
