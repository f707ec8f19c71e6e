/**
 * Checks that a watch is alive. The client recreates a consumer whose server has ended; when that fails, for example
 * while the servers elect a leader, its messages can stop without an error, and do not come again.
 */
import { startInterval, stopTimer, type Timer } from '@troupe/core'
import { type Consumer, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream'

/** The last message of a subject. */
export interface Stored {
  readonly subject: string
  readonly revision: number
  /** Absent where it marks that the record was removed. */
  readonly data: Uint8Array | undefined
}

/** What a watch calls. */
export interface Watcher {
  readonly see: (stored: Stored) => void
  /** Those that existed have been seen. */
  readonly loaded: () => void
  readonly ended: () => void
}

/** Milliseconds between two checks. */
const interval = 2_000
/** Number of checks in succession that find messages which do not come. */
const mostLate = 2

export class WatchCheck implements Disposable {
  readonly #consumer: Pick<Consumer, 'info'>
  readonly #watcher: Watcher
  readonly #timer: Timer
  #isLoaded = false
  #isOver = false
  #hasSeen = false
  #late = 0

  constructor(consumer: Pick<Consumer, 'info'>, watcher: Watcher) {
    this.#consumer = consumer
    this.#watcher = watcher
    this.#timer = startInterval(() => void this.#check(), interval)
  }

  /** A message was seen. @param pending - Number of those that follow. */
  saw(pending: number): void {
    this.#hasSeen = true
    if (pending === 0) this.load()
  }

  load(): void {
    if (this.#isLoaded || this.#isOver) return
    this.#isLoaded = true
    this.#watcher.loaded()
  }

  readonly end = (): void => {
    if (this.#isOver) return
    this[Symbol.dispose]()
    this.#watcher.ended()
  };

  [Symbol.dispose](): void {
    this.#isOver = true
    stopTimer(this.#timer)
  }

  async #check(): Promise<void> {
    try {
      const { num_pending: pending } = await this.#consumer.info()
      // The servers may have removed a message whose time was over before it was delivered.
      if (pending === 0) this.load()
      this.#late = pending === 0 || this.#hasSeen ? 0 : this.#late + 1
      this.#hasSeen = false
    } catch (error) {
      // Servers that do not reply now may do so at the next check.
      if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.ConsumerNotFound) return
      this.#late += 1
    }
    if (this.#late >= mostLate) this.end()
  }
}
