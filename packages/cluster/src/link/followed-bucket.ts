/** Follows the records of a bucket, and begins again when the watch ends or is late. */
import { type Backoff, backoffDelay, startTimer, stopTimer, type Timer } from '@troupe/core'
import type { NodesBucket, ReadRecord } from './nodes-bucket.ts'

const delays: Backoff = { initial: 250, max: 10_000, jitter: 0.1 }

/** The client detects a watch whose server has ended after seconds only: our own records show it earlier. */
export class FollowedBucket implements Disposable {
  readonly #bucket: NodesBucket
  readonly #see: (record: ReadRecord) => void
  #stop: (() => void) | undefined
  #timer: Timer | undefined
  #attempt = 0
  #isOver = false

  /** Begins to follow. */
  constructor(bucket: NodesBucket, see: (record: ReadRecord) => void) {
    this.#bucket = bucket
    this.#see = see
    void this.#begin()
  }

  /** It is late: begin again. Without effect while it begins. */
  renew(): void {
    const stop = this.#stop
    this.#stop = undefined
    stop?.()
    if (stop !== undefined) this.#later()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    stopTimer(this.#timer)
    this.#stop?.()
  }

  async #begin(): Promise<void> {
    try {
      let isSeen = false
      const stop = await this.#bucket.watch(
        (record) => {
          if (!isSeen) this.#attempt = 0
          isSeen = true
          this.#see(record)
        },
        () => {
          if (this.#stop === stop) this.renew()
        },
      )
      this.#stop = stop
      if (this.#isOver) stop()
    } catch {
      this.#later()
    }
  }

  #later(): void {
    if (this.#isOver) return
    this.#attempt += 1
    this.#timer = startTimer(() => void this.#begin(), backoffDelay(delays, this.#attempt))
  }
}
