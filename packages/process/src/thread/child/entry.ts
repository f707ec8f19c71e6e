/**
 * The first module of an operating-system process. It receives the modules of the runtime from the kernel, in one
 * piece, and starts the runtime.
 */
import { readSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { decodePack, packHeaderSize, sampleMark, sampleOf } from '../../pipe/packed-module.ts'

/** Fixed by the launcher (`packages/tsnet/launcher`). */
const downFd = 4

/** Waits until the kernel has sent so many bytes. */
function receive(length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let at = 0; at < length; ) {
    const read = readSync(downFd, bytes, at, length - at, null)
    if (read === 0) process.exit()
    at += read
  }
  return bytes
}

const size = receive(packHeaderSize).readUInt32LE()
const modules = new Map(decodePack(receive(size).toString()).map((module) => [module.url, module]))
const hooks = registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier.endsWith(sampleMark)) return { url: specifier, shortCircuit: true }
    const known = modules.get(context.parentURL ?? '')?.imports
    const url = known !== undefined && Object.hasOwn(known, specifier) ? known[specifier] : undefined
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
  },
  load: (url, context, next) => {
    const module = modules.get(url)
    if (module !== undefined) return { format: 'module', source: module.source, shortCircuit: true }
    return url.endsWith(sampleMark) ? { ...sampleOf(url), shortCircuit: true } : next(url, context)
  },
})
await import('./main.ts')
hooks.deregister()
