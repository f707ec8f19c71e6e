/**
 * Keep-alive pools of `node:http` and `node:https`, the user's and the global ones: the name under which an agent files a connection also
 * says its {@link connectionKey}. A connection is opened in the name of the request that it is for.
 */
import { currentSlot, runInSlot, type Slot } from '@troupe/core'
import { connectionKey } from './connection-key.ts'
import { property } from './internals.ts'
import { type Callable, isCallable } from './wrap.ts'

// An import would read all names of the module, `WebSocket` among them, and that loads undici (`docs/discoveries/0057-importing-http.md`).
const { Agent } = process.getBuiltinModule('node:http')

/** In options: whose request it was, and the key then. Connections are filed in other contexts, and in later lives of the overlay, too. */
const madeBy = Symbol('troupe.request')

class Made {
  readonly slot: Slot | undefined
  readonly key: string

  constructor(slot: Slot | undefined, key: string) {
    this.slot = slot
    this.key = key
  }
}

const asking = new WeakSet<Callable>()

/** Every request comes by here, so these are plain functions. */
export function guardAgents(): void {
  replace(Agent.prototype, 'addRequest', (original) => {
    return function addRequest(this: object, request: unknown, options: unknown, port: unknown, localAddress: unknown) {
      const given = typeof options === 'object' && options !== null ? options : { host: options, port, localAddress }
      const slot = currentSlot()
      Reflect.set(given, madeBy, new Made(slot, connectionKey(slot)))
      openInName(this)
      return Reflect.apply(original, this, [request, given])
    }
  })
  replace(Agent.prototype, 'getName', (original) => {
    return function getName(this: unknown, options: unknown) {
      const name: unknown = Reflect.apply(original, this, [options])
      const key = madeIn(options)?.key ?? connectionKey()
      return key === '' || typeof name !== 'string' ? name : `${name}:${key}`
    }
  })
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
  replace(owner, 'createSocket', (original) => {
    const createSocket = function createSocket(this: unknown, ...args: readonly unknown[]): unknown {
      const slot = madeIn(args[1])?.slot
      if (slot === undefined || slot === currentSlot()) return Reflect.apply(original, this, args)
      return runInSlot<unknown>(slot, () => Reflect.apply(original, this, args))
    }
    asking.add(createSocket)
    return createSocket
  })
}

function replace(owner: object, name: 'addRequest' | 'createSocket' | 'getName', make: (original: Callable) => unknown): void {
  const original: unknown = Reflect.get(owner, name)
  if (isCallable(original)) Reflect.set(owner, name, make(original))
}

function madeIn(options: unknown): Made | undefined {
  const made: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, madeBy) : undefined
  return made instanceof Made ? made : undefined
}
