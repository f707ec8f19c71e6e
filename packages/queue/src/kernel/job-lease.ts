/** How long the outcome of an attempt counts. While a job waits for a thread, its lease is renewed. */
import type { Calendar } from '@troupe/core'
import { DueTimer } from '@troupe/process/kernel'
import type { Claim, QueueDriver } from '../driver/driver.ts'

export interface JobLeaseOptions {
  readonly clock: Calendar
  readonly driver: Pick<QueueDriver, 'extend'>
  readonly claim: Claim
  /** Milliseconds. */
  readonly ackWait: number
  readonly onLost: () => void
}

/** The part of a lease after which a job that still waits for a thread gets a new one. */
const part = 4

export class JobLease implements Disposable {
  /** Whether the code of the job has begun to run. */
  hasBegun: () => boolean = () => true
  readonly #options: JobLeaseOptions
  #end: DueTimer
  #check: DueTimer
  #isOver = false

  constructor(options: JobLeaseOptions) {
    this.#options = options
    this.#end = this.#endTimer()
    this.#check = this.#checkTimer()
  }

  /** It was extended: it ends `ackWait` milliseconds from now. */
  restart(): void {
    if (this.#isOver) return
    this.#end[Symbol.dispose]()
    this.#end = this.#endTimer()
  }

  #endTimer(): DueTimer {
    const { clock, ackWait, onLost } = this.#options
    return new DueTimer(clock, { in: ackWait }, onLost)
  }

  #checkTimer(): DueTimer {
    const { clock, ackWait } = this.#options
    return new DueTimer(clock, { in: ackWait / part }, () => {
      if (!this.hasBegun()) void this.#renew()
    })
  }

  async #renew(): Promise<void> {
    const { driver, claim, ackWait } = this.#options
    // A store that cannot be written now may be written at the next check.
    const isKept = await driver.extend(claim, ackWait).catch(() => undefined)
    if (this.#isOver || isKept === false) return
    if (isKept === true) this.restart()
    this.#check = this.#checkTimer()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#end[Symbol.dispose]()
    this.#check[Symbol.dispose]()
  }
}
