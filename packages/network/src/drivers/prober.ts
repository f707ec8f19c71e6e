/**
 * Probes an overlay: at the start, after a quiet period, after trouble, and with growing delays while it does not work.
 */
import { type Backoff, backoffDelay } from '@troupe/core'
import type { Finding, OverlayState } from '../overlay/overlay-state.ts'
import { ProbeSchedule } from './probe-schedule.ts'

export interface ProberOptions {
  readonly state: OverlayState
  /** Rejects with the reason if the overlay does not work. */
  readonly look: (signal: AbortSignal) => Promise<Finding>
  readonly times?: ProberTimes
}

/** Milliseconds. */
export interface ProberTimes {
  /** Between two probes, while it works. */
  readonly usual: number
  /** Minimum between two probes, even after reports of trouble. */
  readonly least: number
  /** Between two probes, while it does not work. */
  readonly delays: Backoff
}

const defaultTimes: ProberTimes = { usual: 60_000, least: 1_000, delays: { initial: 1_000, max: 60_000, jitter: 0.2 } }

export class Prober implements AsyncDisposable {
  readonly #schedule: ProbeSchedule
  readonly #options: ProberOptions
  readonly #times: ProberTimes
  readonly #running: Promise<void>
  #present: Promise<void> = Promise.resolve()

  constructor(options: ProberOptions) {
    this.#options = options
    this.#times = options.times ?? defaultTimes
    this.#schedule = new ProbeSchedule(this.#times.least)
    this.#running = this.#run()
  }

  /** Reports trouble: the next probe is soon. */
  doubt(): void {
    this.#schedule.doubt()
  }

  /** Settles when the probe in progress has ended. */
  async settled(): Promise<void> {
    await this.#present
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#schedule[Symbol.dispose]()
    await this.#running
  }

  async #run(): Promise<void> {
    const { usual, delays } = this.#times
    for (let failures = 0; !this.#schedule.isOver; ) {
      this.#present = this.#look()
      await this.#present
      const works = this.#options.state.view.state === 'up'
      failures = works ? 0 : failures + 1
      await this.#schedule.pause(works ? usual : backoffDelay(delays, failures))
    }
  }

  async #look(): Promise<void> {
    const { look, state } = this.#options
    const found = await look(this.#schedule.signal).catch(
      (error: unknown): Finding => ({ state: 'down', reason: error instanceof Error ? error.message : String(error) }),
    )
    if (!this.#schedule.isOver) state.become(found)
  }
}
