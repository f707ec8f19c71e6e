/** Agents of undici, one for each {@link connectionKey}, made on demand. */
import { currentSlot } from '@troupe/core'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { connectionKey } from './connection-key.ts'
import { type ConnectContext, contextKey } from './connect-context.ts'
import { isCallable } from '../node/patch.ts'

/** Above this number the least recently used agent is closed; it finishes its running requests. */
const mostAgents = 256

interface Entry {
  readonly agent: object
  readonly context: ConnectContext
}

export class AgentsByKey {
  readonly #make: (connect: object) => object
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>()

  /** @param make - Makes an agent that opens its connections with these options. */
  constructor(make: (connect: object) => object) {
    this.#make = make
  }

  /** Returns the agent for the running code. */
  forCaller(): object {
    const slot = currentSlot()
    const key = connectionKey()
    const entry = this.#entries.get(key) ?? this.#open()
    // The permission for connections that it opens later is checked for its last user, which still runs.
    entry.context.slot = slot
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > mostAgents) this.#closeOldest()
    return entry.agent
  }

  #open(): Entry {
    const context: ConnectContext = { slot: undefined }
    // In an overlay the overlay's own timeouts apply, which may be longer than undici's 10 s, and its own errors give
    // the reason.
    const limit = typeof threadOverlay() !== 'string' ? {} : { timeout: 0 }
    return { agent: this.#make({ ...limit, [contextKey]: context }), context }
  }

  #closeOldest(): void {
    for (const [key, { agent }] of this.#entries) {
      this.#entries.delete(key)
      const close: unknown = Reflect.get(agent, 'close')
      if (isCallable(close)) void Reflect.apply(close, agent, [])
      return
    }
  }
}
