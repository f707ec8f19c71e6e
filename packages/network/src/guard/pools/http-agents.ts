/**
 * Keep-alive pools of `node:http` and `node:https`, the user's and the global ones. The name under which an agent pools
 * a connection also contains its {@link connectionKey}. Where policies apply, a connection is opened on behalf of the
 * request that needs it.
 */
import { currentSlot, runInSlot, type Slot } from '@troupe/core'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { connectionKey, isKeyed } from './connection-key.ts'
import { property } from '../../sockets/internals.ts'
import { type Callable, isCallable, replaceFunction } from '../node/patch.ts'

/**
 * In options: the context of the request, and its key at that time. Connections are also pooled in other contexts, and
 * in later generations of the overlay.
 */
const madeBy = Symbol('troupe.request')

class Made {
  /** `undefined` in an overlay, where the connection belongs to the thread, whatever code makes it. */
  readonly slot: Slot | undefined
  readonly key: string

  constructor(slot: Slot | undefined, key: string) {
    this.slot = slot
    this.key = key
  }
}

const asking = new WeakSet<Callable>()

/**
 * Every request calls these, so they are plain functions. In the clear network they do nothing unless policies apply.
 */
export function guardAgents(): void {
  // An import would read all names of the module, including `WebSocket`, which loads undici
  // (`docs/discoveries/0057-importing-http.md`), and in threads without the guard.
  const { Agent } = process.getBuiltinModule('node:http')
  replaceFunction(Agent.prototype, 'addRequest', (original) => {
    return function addRequest(
      this: unknown,
      request: unknown,
      options: unknown,
      port: unknown,
      localAddress: unknown,
    ) {
      if (!isKeyed()) return original.call(this, request, options, port, localAddress)
      const given = typeof options === 'object' && options !== null ? options : { host: options, port, localAddress }
      const slot = threadOverlay() === null ? currentSlot() : undefined
      Reflect.set(given, madeBy, new Made(slot, connectionKey()))
      if (slot !== undefined && typeof this === 'object' && this !== null) openInName(this)
      return original.call(this, request, given)
    }
  })
  replaceFunction(Agent.prototype, 'getName', (original) => {
    return function getName(this: unknown, options: unknown) {
      const name = original.call(this, options)
      if (!isKeyed()) return name
      const key = madeIn(options)?.key ?? unmadeKey()
      return key === '' || typeof name !== 'string' ? name : `${name}:${key}`
    }
  })
}

/**
 * The key of a connection that bypassed {@link guardAgents}. In the clear network it is older than the policies, and
 * belongs to no actor.
 */
function unmadeKey(): string {
  return threadOverlay() === null ? '' : connectionKey()
}

/**
 * A queued request runs in the context of the request that freed its connection, also in agents with their own
 * `createSocket`: this restores its own context.
 */
function openInName(agent: object): void {
  const current = property(agent, 'createSocket')
  if (!isCallable(current) || asking.has(current)) return
  let owner = agent
  while (!Object.hasOwn(owner, 'createSocket')) {
    const next: unknown = Object.getPrototypeOf(owner)
    if (typeof next !== 'object' || next === null) return
    owner = next
  }
  replaceFunction(owner, 'createSocket', (original) => {
    const createSocket = function createSocket(this: unknown, ...args: readonly unknown[]): unknown {
      const slot = madeIn(args[1])?.slot
      if (slot === undefined || slot === currentSlot()) return Reflect.apply(original, this, args)
      return runInSlot<unknown>(slot, () => Reflect.apply(original, this, args))
    }
    asking.add(createSocket)
    return createSocket
  })
}

function madeIn(options: unknown): Made | undefined {
  const made: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, madeBy) : undefined
  return made instanceof Made ? made : undefined
}
