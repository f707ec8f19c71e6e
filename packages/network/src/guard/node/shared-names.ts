/**
 * Broadcast channels and Web Locks have names that all threads of the process share. Here each network has its own
 * names: Node gets the name with the network as prefix, and callers see the name that they wrote.
 */
import workerThreads from 'node:worker_threads'
import { BroadcastChannel } from './broadcast-channel.ts'
import { threadNetwork, threadOverlay } from '../../overlay/thread-network.ts'
import { property } from '../../sockets/internals.ts'
import { unbound } from '../errors.ts'
import { isCallable, replaceMethod } from './patch.ts'

const mark = 'troupe:'

export function guardSharedNames(): void {
  guardChannels()
  guardLocks()
}

/**
 * Returns the prefix for names in the current network. It is empty in the clear network, so that code outside of
 * applications finds them.
 */
function prefix(what: string): string {
  const overlay = threadOverlay()
  if (overlay === undefined) throw unbound(what)
  if (overlay === null) return ''
  const { epoch, isolation: { actor, process } = {} } = threadNetwork() ?? {}
  return `${mark}${JSON.stringify([overlay, actor, process, epoch])}:`
}

/** In the clear network, a name that looks like one of an overlay is escaped. */
function scoped(name: string, before: string): string {
  return before === '' && name.startsWith(mark) ? `${mark}clear:${name}` : `${before}${name}`
}

/** Returns the caller's own name; `undefined` for one of another network. */
function unscoped(name: string, before: string): string | undefined {
  const own = before === '' ? `${mark}clear:` : before
  if (name.startsWith(own)) return name.slice(own.length)
  return before === '' && !name.startsWith(mark) ? name : undefined
}

function guardChannels(): void {
  const guarded = new Proxy(BroadcastChannel, {
    construct(target, args, newTarget) {
      const name = String(args[0])
      const given = args.length === 0 ? [] : [scoped(name, prefix('BroadcastChannel'))]
      const channel: unknown = Reflect.construct(target, given, newTarget)
      if (typeof channel !== 'object' || channel === null) throw new TypeError('BroadcastChannel is not a constructor')
      return Object.defineProperty(channel, 'name', { value: name, configurable: true })
    },
  })
  workerThreads.BroadcastChannel = guarded
  Object.defineProperty(globalThis, 'BroadcastChannel', {
    value: guarded,
    writable: true,
    configurable: true,
    enumerable: false,
  })
}

function guardLocks(): void {
  const locks: unknown = Reflect.get(workerThreads, 'locks')
  if (typeof locks !== 'object' || locks === null) return
  const manager: unknown = Object.getPrototypeOf(locks)
  if (typeof manager !== 'object' || manager === null) return
  replaceMethod(manager, 'request', async (original, self, [name, ...rest]) => {
    const before = prefix('locks.request')
    const text = String(name)
    const callback = rest.at(-1)
    // Node refuses such names, but would accept them with a prefix.
    if (text.startsWith('-') || !isCallable(callback)) return Reflect.apply(original, self, [name, ...rest])
    const granted = (lock: unknown) => callback(typeof lock === 'object' && lock !== null ? named(lock, text) : lock)
    return Reflect.apply(original, self, [scoped(text, before), ...rest.slice(0, -1), granted])
  })
  replaceMethod(manager, 'query', async (original, self, args) => {
    const before = prefix('locks.query')
    const found: unknown = await Reflect.apply(original, self, args)
    return { held: ownLocks(property(found, 'held'), before), pending: ownLocks(property(found, 'pending'), before) }
  })
}

function ownLocks(list: unknown, before: string): readonly object[] {
  const locks: readonly unknown[] = Array.isArray(list) ? list : []
  return locks.flatMap((lock) => {
    const name = unscoped(String(property(lock, 'name')), before)
    return name === undefined || typeof lock !== 'object' || lock === null ? [] : [{ ...lock, name }]
  })
}

/** Shows a lock under the name that its holder wrote. */
function named(lock: object, name: string): object {
  return Object.defineProperty(lock, 'name', { value: name, configurable: true, enumerable: true })
}
