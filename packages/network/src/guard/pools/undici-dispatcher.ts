/**
 * The built-in `fetch`, `WebSocket` and `EventSource`, and npm's undici if it uses the global dispatcher. A facade
 * replaces the dispatcher. It keeps separate connections for each generation of the overlay, and in the clear network
 * for each actor.
 */
import { AgentsByKey } from './undici-agents.ts'
import { isKeyed } from './connection-key.ts'
import { isCallable, replaceMethod } from '../node/patch.ts'

/** Versions of undici look for the dispatcher under different symbols. */
const newer = Symbol.for('undici.globalDispatcher.2')
const older = Symbol.for('undici.globalDispatcher.1')

/** Whether undici's own dispatchers are covered. A dispatcher that user code installs later is not. */
let covered = false

/**
 * Covers `fetch` from its first use on. To load undici takes longer than the rest of the guard, and most threads never
 * use it. If something else loads undici, {@link coverDispatchers} is called before its first connection.
 */
export function guardFetch(): void {
  coverDispatchers()
  replaceMethod(globalThis, 'fetch', (target, self, args) => {
    // Loads undici, which installs its dispatcher.
    if (!covered) void globalThis.Request
    coverDispatchers()
    return Reflect.apply(target, self, args)
  })
}

/** Replaces the global dispatchers with facades, once they are installed. */
export function coverDispatchers(): void {
  if (covered) return
  const [latest, legacy] = [dispatcherAt(newer), dispatcherAt(older)]
  const original = latest ?? legacy
  if (original === undefined) return
  covered = true
  const facade = facadeOf(original)
  if (latest !== undefined) Reflect.set(globalThis, newer, facade)
  if (legacy === undefined) return
  // The dispatcher for the older protocol is a wrapper around a newer one.
  const same = legacy.constructor === original.constructor
  Reflect.set(globalThis, older, same ? facade : construct(legacy.constructor, facade))
}

function dispatcherAt(place: symbol): object | undefined {
  const found: unknown = Reflect.get(globalThis, place)
  return typeof found === 'object' && found !== null ? found : undefined
}

/** Returns an object like `original` that dispatches by key. It belongs to the thread, so `close()` does nothing. */
function facadeOf(original: object): object {
  const agents = new AgentsByKey((connect) => construct(original.constructor, { connect }))
  const nothing = { value: async () => {} }
  const dispatch = (...args: readonly unknown[]): unknown => {
    const agent = isKeyed() ? agents.forCaller() : original
    const method: unknown = Reflect.get(agent, 'dispatch')
    if (isCallable(method)) return Reflect.apply(method, agent, args)
    throw new TypeError('undici’s agent has no dispatch')
  }
  const facade = Object.defineProperties({}, { dispatch: { value: dispatch }, close: nothing, destroy: nothing })
  Reflect.setPrototypeOf(facade, original)
  return facade
}

function construct(constructor: unknown, argument: object): object {
  const made: unknown = isCallable(constructor) ? Reflect.construct(constructor, [argument]) : undefined
  if (typeof made === 'object' && made !== null) return made
  throw new TypeError('undici’s dispatcher has no constructor')
}
