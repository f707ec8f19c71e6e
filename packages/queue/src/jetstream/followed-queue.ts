/** The index of a queue, kept up to date by a watch, which begins again when it ends. */
import {
  asTroupeError,
  type Backoff,
  backoffDelay,
  startInterval,
  startTimer,
  stopTimer,
  type Timer,
  unavailable,
  withDeadline,
} from '@troupe/core'
import type { JobStream } from './job-stream.ts'
import { type IndexClock, QueueIndex } from './queue-index.ts'
import type { JobSubjects } from './subjects.ts'

const checkTime = 5_000
const delays: Backoff = { initial: 250, max: 10_000, jitter: 0.1 }

export interface FollowedOptions {
  readonly queue: string
  readonly subjects: JobSubjects
  readonly clock: IndexClock
  /** Something was seen after which jobs may be ready. */
  readonly onChange: () => void
}

export class FollowedQueue implements Disposable {
  readonly index: QueueIndex
  readonly #options: FollowedOptions
  readonly #load = Promise.withResolvers<void>()
  #stream: JobStream | undefined
  #stop: (() => void) | undefined
  #timer: Timer | undefined
  #attempt = 0
  #failure: unknown
  readonly #check: Timer
  /** The last revision at the last check. */
  #expected = 0
  #round = 0

  constructor(options: FollowedOptions) {
    this.#options = options
    this.index = new QueueIndex(options.clock)
    this.#check = startInterval(() => {
      this.#lookAfter()
    }, checkTime)
  }

  /**
   * Settles when the records that existed have been read. @param patience - Milliseconds.
   *
   * @throws TroupeError `Unavailable`, with the reason, when that takes longer.
   */
  async loaded(patience: number): Promise<void> {
    const { queue } = this.#options
    await withDeadline(this.#load.promise, patience, () => {
      const reason = this.#failure === undefined ? 'it takes too long' : asTroupeError(this.#failure).message
      return unavailable(`cluster: the jobs of ${queue} cannot be read from the servers now: ${reason}`, { queue })
    })
  }

  /** Reads all records again, over this connection. */
  follow(stream: JobStream): void {
    this.#stream = stream
    this.#end()
    void this.#begin(stream)
  }

  /** A watch that does not show what this node has written for a while does not work. */
  #lookAfter(): void {
    const isLate = this.#stop !== undefined && !this.index.hasShown(this.#expected)
    this.#expected = this.index.highest
    if (isLate && this.#stream !== undefined) this.follow(this.#stream)
  }

  [Symbol.dispose](): void {
    stopTimer(this.#check)
    this.#stream = undefined
    this.#end()
  }

  #end(): void {
    this.#round += 1
    stopTimer(this.#timer)
    this.#stop?.()
    this.#stop = undefined
  }

  async #begin(stream: JobStream): Promise<void> {
    const { queue, subjects, onChange } = this.#options
    const round = this.#round
    const isCurrent = () => round === this.#round
    const seen = new Set<string>()
    const before = this.index.highest
    let isLoaded = false
    try {
      const stop = await stream.watch(subjects.records(queue), {
        see: ({ subject, revision, data }) => {
          if (!isCurrent()) return
          const { isJob, token } = subjects.read(subject)
          if (!isLoaded) seen.add(token)
          if (isJob) this.index.see(token, revision, data)
          else this.index.seeKey(token, revision, data, true)
          onChange()
        },
        loaded: () => {
          if (!isCurrent()) return
          isLoaded = true
          this.#attempt = 0
          this.index.keepOnly(seen, before)
          seen.clear()
          this.#load.resolve()
          onChange()
        },
        ended: () => {
          if (isCurrent()) this.#later(stream)
        },
      })
      if (isCurrent()) this.#stop = stop
      else stop()
    } catch (error) {
      this.#failure = error
      if (isCurrent()) this.#later(stream)
    }
  }

  #later(stream: JobStream): void {
    this.#stop = undefined
    this.#attempt += 1
    this.#timer = startTimer(
      () => {
        if (this.#stream === stream) this.follow(stream)
      },
      backoffDelay(delays, this.#attempt),
    )
  }
}
