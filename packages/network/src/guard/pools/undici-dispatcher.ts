/**
 * The built-in `fetch`, `WebSocket` and `EventSource`, and npm's undici where it uses the global dispatcher: in its place stands one whose
 * connections are kept for each life of the overlay, and in the clear for each actor.
 */
import { AgentsByKey } from './undici-agents.ts'
import { isKeyed } from './connection-key.ts'
import { isCallable, replaceMethod } from '../node/patch.ts'

/** Undici of different ages looks in different places. */
const newer = Symbol.for('undici.globalDispatcher.2')
const older = Symbol.for('undici.globalDispatcher.1')

/** Whether those that undici puts there are covered. One that user code puts there later is its own. */
let covered = false

/**
 * Covers `fetch` from its first use on. Loading undici takes longer than all the rest of the guard, and most threads never do: where
 * something else loads it, {@link coverDispatchers} is called before its first connection.
 */
export function guardFetch(): void {
  coverDispatchers()
  replaceMethod(globalThis, 'fetch', (target, self, args) => {
    // Loads undici, which puts its dispatcher in place.
    if (!covered) void globalThis.Request
    coverDispatchers()
    return Reflect.apply(target, self, args)
  })
}

/** Puts a facade before the global dispatchers, once they are there. */
export function coverDispatchers(): void {
  if (covered) return
  const [latest, legacy] = [dispatcherAt(newer), dispatcherAt(older)]
  const original = latest ?? legacy
  if (original === undefined) return
  covered = true
  const facade = facadeOf(original)
  if (latest !== undefined) Reflect.set(globalThis, newer, facade)
  if (legacy === undefined) return
  // The older protocol is spoken by a wrapper around a dispatcher of the newer one.
  const same = legacy.constructor === original.constructor
  Reflect.set(globalThis, older, same ? facade : construct(legacy.constructor, facade))
}

function dispatcherAt(place: symbol): object | undefined {
  const found: unknown = Reflect.get(globalThis, place)
  return typeof found === 'object' && found !== null ? found : undefined
}

/** Like `original`, but that it dispatches by key. It is the thread's, so that closing it does nothing. */
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
