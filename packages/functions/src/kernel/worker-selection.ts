/** Looks at the seats of a pool. */
import { type EntryId, startTimer, TroupeError } from '@troupe/core'
import type { Network } from '@troupe/process/kernel'
import type { PoolCall } from './pool-call.ts'
import type { PoolStatus } from './pool-options.ts'
import type { Seat } from './pool-worker.ts'

/** Milliseconds that a worker may take to end. Once its wire has closed, it tells then why it did. */
export const afterlife = 5000

/** Seats whose threads are being ended: each counts until its thread is gone. One that does not end holds nobody up for long. */
export class EndingSeats {
  readonly #seats = new Set<Seat>()
  /** Those that count no more. */
  readonly #late = new Set<Seat>()

  get size(): number {
    return this.#seats.size
  }

  /** All whose threads are not gone. */
  get all(): Iterable<Seat> {
    return [...this.#seats, ...this.#late]
  }

  /** @param then - Called if the thread has not ended in time: it counts no more. */
  add(seat: Seat, then: () => void): void {
    this.#seats.add(seat)
    startTimer(() => {
      if (!this.#seats.delete(seat)) return
      this.#late.add(seat)
      then()
    }, afterlife).unref()
  }

  delete(seat: Seat): void {
    this.#seats.delete(seat)
    this.#late.delete(seat)
  }
}

/** One whose thread is in that network and has nothing to do. */
export function idleIn({ key }: Network, seats: Iterable<Seat>): Seat | undefined {
  for (const seat of seats) if (seat.isIdle && seat.network.key === key) return seat
  return undefined
}

/** The one that was given a call. */
export function seatOf(call: PoolCall, ...all: readonly Iterable<Seat>[]): Seat | undefined {
  for (const seats of all) for (const seat of seats) if (seat.has(call)) return seat
  return undefined
}

/** A thread failed that worked for nobody. If it failed to start, whoever waits for it would wait for ever: those seats fail. */
export function failUntaken(entry: EntryId, seats: Iterable<Seat>, cause: Error): readonly Seat[] {
  const untaken = [...seats].filter(({ taken }) => !taken)
  const error = new TroupeError('Unavailable', `${entry}: a thread of its pool failed to start: ${cause.message}`, { cause })
  for (const seat of untaken) for (const call of seat.calls) call.reject(error)
  return untaken
}

/** A pool as it shows. @param unseated - Calls that wait and were given to no seat. */
export function statusOf(entry: EntryId, threads: number, seats: readonly Seat[], unseated: number): PoolStatus {
  let [running, waiting] = [0, unseated]
  for (const { size } of seats) {
    running += Math.min(1, size)
    waiting += Math.max(0, size - 1)
  }
  return { entry, threads, networks: new Set(seats.map(({ network }) => network.key)).size, running, waiting }
}
