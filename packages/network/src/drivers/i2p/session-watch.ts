/** Watches a session that stands: asks now and then, and when somebody has reason to doubt, whether the router still has it. */
import type { TroupeError } from '@troupe/core'
import { ProbeSchedule } from '../probe-schedule.ts'
import type { Finding } from './probe.ts'

export interface WatchPlan {
  readonly look: () => Promise<Finding>
  /** Told after each look: nothing where all is well. */
  readonly onFound: (error: TroupeError | undefined) => void
  readonly times?: WatchTimes | undefined
}

/** Milliseconds. */
export interface WatchTimes {
  /** Until the second look: i2pd takes a destination away 5 s after the connection that had it before. */
  readonly second: number
  /** From then on. */
  readonly usual: number
  /** Between two, whoever doubts. */
  readonly least: number
}

const defaultTimes: WatchTimes = { second: 7_000, usual: 60_000, least: 1_000 }
/** How often a router may find no way to a session that it has found before: its lease set may be on its way. */
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

  /** Somebody could not use the session: the next look is soon. */
  doubt(): void {
    this.#schedule.doubt()
  }

  /** Settles, with the reason, when the router does not have the session any more; with nothing when the watch is over. */
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
      // Some routers never find a way from a session to itself, and say so: that they know it is all that can be had.
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
