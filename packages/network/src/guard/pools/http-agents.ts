/**
 * Keep-alive pools of `node:http` and `node:https`, the user's and the global ones: the name under which an agent files a connection also
 * says its {@link connectionKey}. Where policies are in force, a connection is opened in the name of the request that it is for.
 */
import { currentSlot, runInSlot, type Slot } from '@troupe/core'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { connectionKey, isKeyed } from './connection-key.ts'
import { property } from '../../sockets/internals.ts'
import { type Callable, isCallable, replaceFunction } from '../node/patch.ts'

// An import would read all names of the module, `WebSocket` among them, and that loads undici (`docs/discoveries/0057-importing-http.md`).
const { Agent } = process.getBuiltinModule('node:http')

/** In options: whose request it was, and the key then. Connections are filed in other contexts, and in later lives of the overlay, too. */
const madeBy = Symbol('troupe.request')

class Made {
  /** None in an overlay, where it is the thread's connection, whoever makes it. */
  readonly slot: Slot | undefined
  readonly key: string

  constructor(slot: Slot | undefined, key: string) {
    this.slot = slot
    this.key = key
  }
}

const asking = new WeakSet<Callable>()

/** Every request comes by here, so these are plain functions, which in the clear do nothing unless policies are in force. */
export function guardAgents(): void {
  replaceFunction(Agent.prototype, 'addRequest', (original) => {
    return function addRequest(this: unknown, request: unknown, options: unknown, port: unknown, localAddress: unknown) {
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

/** Of a connection that came past {@link guardAgents}. In the clear it is from before policies were in force, and no actor's. */
function unmadeKey(): string {
  return threadOverlay() === null ? '' : connectionKey()
}

/** A request that waited its turn is served in the context of the one that made room, by agents with a `createSocket` of their own too. */
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
