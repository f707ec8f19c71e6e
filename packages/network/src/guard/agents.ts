/**
 * Keep-alive pools of `node:http` and `node:https`, the user's and the global ones: the name under which an agent files a connection
 * also says its overlay, the overlay's life, and the actor. A connection
 * is opened in the name of the request that it is for.
 */
import { currentSlot, runInSlot, type Slot } from '@troupe/core'
import { networkKey } from './pool-key.ts'
import { type Callable, isCallable } from './wrap.ts'

// An import would read all names of the module, `WebSocket` among them, and that loads undici (`docs/discoveries/0057-importing-http.md`).
const { Agent } = process.getBuiltinModule('node:http')

/** In options: whose request it was, and the key then. Connections are filed in other contexts, and in later lives of the overlay, too. */
const madeBy = Symbol('troupe.request')

interface Made {
  readonly slot: Slot | undefined
  readonly key: string
}

/** Every request comes by here, so these are plain functions. */
export function guardAgents(): void {
  replace('addRequest', (original) => {
    return function addRequest(this: unknown, request: unknown, options: unknown, port: unknown, localAddress: unknown) {
      const given = typeof options === 'object' && options !== null ? options : { host: options, port, localAddress }
      const made: Made = { slot: currentSlot(), key: networkKey() }
      Reflect.set(given, madeBy, made)
      return Reflect.apply(original, this, [request, given])
    }
  })
  // A request that waited its turn is served in the context of the one that made room.
  replace('createSocket', (original) => {
    return function createSocket(this: unknown, ...args: unknown[]) {
      const slot = madeIn(args[1])?.slot
      if (slot === undefined || slot === currentSlot()) return Reflect.apply(original, this, args)
      return runInSlot<unknown>(slot, () => Reflect.apply(original, this, args))
    }
  })
  replace('getName', (original) => {
    return function getName(this: unknown, options: unknown) {
      const name: unknown = Reflect.apply(original, this, [options])
      const key = madeIn(options)?.key ?? networkKey()
      return key === '' || typeof name !== 'string' ? name : `${name}:${key}`
    }
  })
}

function replace(name: 'addRequest' | 'createSocket' | 'getName', make: (original: Callable) => unknown): void {
  const original: unknown = Reflect.get(Agent.prototype, name)
  if (isCallable(original)) Reflect.set(Agent.prototype, name, make(original))
}

function madeIn(options: unknown): Made | undefined {
  const made: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, madeBy) : undefined
  return isMade(made) ? made : undefined
}

function isMade(value: unknown): value is Made {
  return typeof value === 'object' && value !== null && 'slot' in value && 'key' in value
}
