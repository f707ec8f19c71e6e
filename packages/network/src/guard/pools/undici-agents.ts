/** Agents of undici, one for each {@link connectionKey}, made when they are needed. */
import { currentSlot } from '@troupe/core'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { connectionKey } from './connection-key.ts'
import { type ConnectContext, contextKey } from './connect-context.ts'
import { isCallable } from '../node/patch.ts'

/** Beyond it the agent that was unused for longest is closed; it finishes what runs. */
const mostAgents = 256

interface Entry {
  readonly agent: object
  readonly context: ConnectContext
}

export class AgentsByKey {
  readonly #make: (connect: object) => object
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>()

  /** @param make - Makes an agent whose connections are opened with these options. */
  constructor(make: (connect: object) => object) {
    this.#make = make
  }

  /** The agent for the code that runs. */
  forCaller(): object {
    const slot = currentSlot()
    const key = connectionKey()
    const entry = this.#entries.get(key) ?? this.#open()
    // Connections that it opens later are asked about in the name of whoever used it last, and so is still there.
    entry.context.slot = slot
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > mostAgents) this.#closeOldest()
    return entry.agent
  }

  #open(): Entry {
    const context: ConnectContext = { slot: undefined }
    // In an overlay its own limits hold, which may be longer than undici's 10 s, and its own errors tell why.
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
