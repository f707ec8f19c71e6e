/** Watches a running session: checks periodically, and after reports of trouble, whether the router still has it. */
import type { TroupeError } from '@troupe/core'
import { ProbeSchedule } from '../probe-schedule.ts'
import type { Finding } from './probe.ts'

export interface WatchPlan {
  readonly look: () => Promise<Finding>
  /** Called after each check: with `undefined` when the session works. */
  readonly onFound: (error: TroupeError | undefined) => void
  readonly times?: WatchTimes | undefined
}

/** Milliseconds. */
export interface WatchTimes {
  /** Until the second check: i2pd removes a destination 5 s after the end of the connection that had it before. */
  readonly second: number
  /** Between later checks. */
  readonly usual: number
  /** Minimum between two checks, even after reports of trouble. */
  readonly least: number
}

const defaultTimes: WatchTimes = { second: 7_000, usual: 60_000, least: 1_000 }
/**
 * How many times in a row a router may find no path to a session that it found before: the lease set may still be in
 * transit.
 */
const patience = 2

export class SessionWatch implements Disposable {
  readonly #plan: WatchPlan
  readonly #times: WatchTimes
  readonly #schedule: ProbeSchedule

  constructor(plan: WatchPlan) {
    this.#plan = plan
    this.#times = plan.times ?? defaultTimes
    this.#schedule = new ProbeSchedule(this.#times.least)
  }

  /** Reports that a dial through the session failed: the next check is soon. */
  doubt(): void {
    this.#schedule.doubt()
  }

  /** Settles with the reason when the router no longer has the session; with `undefined` when the watch ends. */
  async lost(): Promise<TroupeError | undefined> {
    const { look, onFound } = this.#plan
    let wasReached = false
    let misses = 0
    for (let round = 0; !this.#schedule.isOver; round += 1) {
      const found = await look()
      if (this.#schedule.isOver) break
      if (found.type === 'lost') return found.error
      misses = found.type === 'unreachable' && wasReached ? misses + 1 : 0
      if (found.type === 'unreachable' && misses >= patience) return found.error
      // Some routers never find a path from a session to itself, and report that. Then the only fact that can be
      // checked is that they know the session.
      const isTrouble = found.type === 'silent' || misses > 0
      wasReached ||= found.type === 'reached'
      onFound(isTrouble && 'error' in found ? found.error : undefined)
      await this.#schedule.pause(isTrouble || round === 0 ? this.#times.second : this.#times.usual)
    }
    return undefined
  }

  [Symbol.dispose](): void {
    this.#schedule[Symbol.dispose]()
  }
}
