/** Who is notified when jobs of a queue may be ready. */
import { EventEmitter } from 'node:events'

export class ReadyQueues {
  readonly #listeners = new EventEmitter<Record<string, []>>()

  constructor() {
    // Each consumer of a queue listens.
    this.#listeners.setMaxListeners(0)
  }

  /** Calls `listener` when jobs of `queue` may be ready, until the returned object is disposed. */
  on(queue: string, listener: () => void): Disposable {
    this.#listeners.on(queue, listener)
    return {
      [Symbol.dispose]: () => {
        this.#listeners.off(queue, listener)
      },
    }
  }

  emit(queue: string): void {
    this.#listeners.emit(queue)
  }
}
