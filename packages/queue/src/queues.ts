/** The API of queues, for code of applications. */
import { type EntryId, entryId, invalid, parseDuration } from '@troupe/core'
import { ask, emptySelection, inheritedContext, snapshotForKernel } from '@troupe/process'
import type { JobCounts } from './driver/driver.ts'
import type { JobView } from './protocol.ts'

/** How a job is published. */
export interface PublishOptions {
  /** Milliseconds, or a duration such as `15m`, before which it does not run. @default 0 */
  readonly delay?: number | string
  /**
   * A job with the id of one that the queue keeps is not kept again; at most 256 characters.
   *
   * @default a random one
   */
  readonly id?: string
  /** 0 to 9: jobs with a higher one are run first. @default 0 */
  readonly priority?: number
  /** Consumers can run the jobs of one key one after another (`per_key`); at most 256 characters. */
  readonly key?: string
}

/** A job that the queue keeps. */
export interface PublishedJob {
  /** The id that was given, or a random one. */
  readonly id: string
  /** Whether the queue kept a job with that id already, which stays as it was. */
  readonly isDuplicate: boolean
}

/** What the function of a consumer gets after the payload. */
export interface Job {
  /** The id of the queue. */
  readonly queue: EntryId
  /** The id of the job: the same in each attempt. */
  readonly id: string
  /** The key with which it was published. */
  readonly key: string | undefined
  /** The first is 1. */
  readonly attempt: number
  /** What allows {@link queues.progress}. */
  readonly receipt: string
}

/** Which dead jobs are returned. */
export interface DeadOptions {
  /** @default 100; at most 1,000 */
  readonly limit?: number
  /** The id of the last one of the page before. */
  readonly after?: string
}

const highestPriority = 9
const usualLimit = 100

/**
 * Job queues: entries of the kind `queue.queue`, whose jobs `queue.consumer` runs.
 *
 * @example
 * ```ts
 * const { id } = await queues.publish('app:mails', { to: 'ann@example.org' }, { id: 'welcome-ann', delay: '5m' })
 * const job = await queues.job('app:mails', id)
 * ```
 */
export const queues = {
  /**
   * Publishes a job. Settles when it is on the disk: from then on it runs at least once, in the frame of the caller, or
   * ends in the dead-letter list.
   *
   * @example
   * ```ts
   * const { isDuplicate } = await queues.publish('app:mails', { to: 'ann@example.org' }, { id: 'welcome-ann' })
   * ```
   *
   * @param payload - Plain data, which fits the queue's schema; at most 8 MiB.
   * @throws TroupeError `Invalid` with the path of what is wrong; `NotFound` for an unknown queue; `Unavailable` when
   *   the queue is full, or its file cannot be written; `Conflict` when another application has the file open;
   *   `PermissionDenied` (`queue.publish`, `queue.context`).
   */
  async publish(queue: string, payload: unknown, options: PublishOptions = {}): Promise<PublishedJob> {
    const { id, key, priority = 0 } = options
    if (!Number.isInteger(priority) || priority < 0 || priority > highestPriority)
      throw invalid(`priority: ${priority} is none: expected 0 to ${highestPriority}`, { path: 'priority' })
    return ask('publishJob', {
      queue: entryId(queue),
      payload: snapshotForKernel(payload),
      delay: delayOf(options.delay ?? 0),
      priority,
      ...(id !== undefined && { id }),
      ...(key !== undefined && { key }),
      inherit: inheritedContext(emptySelection),
    })
  },

  /**
   * Keeps how far a job is, and lets it run for the consumer's `ack_wait` from now on. For code that runs the job.
   *
   * @example
   * ```ts
   * export async function send(mail: { to: readonly string[] }, job: Job): Promise<void> {
   *   for (const [at, to] of mail.to.entries()) {
   *     log.info(`a mail to ${to}`)
   *     if (!(await queues.progress(job, { sent: at + 1 }))) return
   *   }
   * }
   * ```
   *
   * @param value - Plain data, which {@link queues.job} returns.
   * @returns false when the job was given to another consumer, or is no longer wanted: stop then.
   * @throws TroupeError `Invalid` for a value that is no plain data; `Unavailable`.
   */
  async progress({ queue, id, receipt }: Pick<Job, 'queue' | 'id' | 'receipt'>, value: unknown): Promise<boolean> {
    return ask('jobProgress', { queue, id, receipt, value: snapshotForKernel(value) })
  },

  /**
   * Returns a job; `undefined` when the queue keeps none with that id.
   *
   * @example
   * ```ts
   * const job = await queues.job('app:mails', 'welcome-ann')
   * console.log(job?.state)
   * ```
   *
   * @throws TroupeError `NotFound` for an unknown queue; `PermissionDenied` (`queue.get`); `Unavailable`.
   */
  async job(queue: string, id: string): Promise<JobView | undefined> {
    return ask('getJob', { queue: entryId(queue), id })
  },

  /**
   * Returns the number of jobs in each state. Throws like {@link queues.job}.
   *
   * @example
   * ```ts
   * const { waiting, dead } = await queues.counts('app:mails')
   * ```
   */
  async counts(queue: string): Promise<JobCounts> {
    return ask('countJobs', { queue: entryId(queue) })
  },

  /**
   * Returns dead jobs, the oldest first. A page ends early at 16 MiB, and the list with an empty page.
   *
   * @example
   * ```ts
   * for (const { id, errors } of await queues.dead('app:mails')) console.log(id, errors.at(-1)?.message)
   * ```
   *
   * @throws TroupeError like {@link queues.job}; `NotFound` when the queue does not keep the job `after`.
   */
  async dead(queue: string, { limit = usualLimit, after }: DeadOptions = {}): Promise<readonly JobView[]> {
    return ask('deadJobs', { queue: entryId(queue), limit, ...(after !== undefined && { after }) })
  },

  /**
   * Lets a dead job run again, with all its attempts. Returns whether it was dead.
   *
   * @example
   * ```ts
   * await queues.replay('app:mails', 'welcome-ann')
   * ```
   *
   * @throws TroupeError like {@link queues.job}; `PermissionDenied` (`queue.replay`).
   */
  async replay(queue: string, id: string): Promise<boolean> {
    return ask('replayJob', { queue: entryId(queue), id })
  },

  /**
   * Removes a dead job. Returns whether it was dead.
   *
   * @example
   * ```ts
   * await queues.drop('app:mails', 'welcome-ann')
   * ```
   *
   * @throws TroupeError like {@link queues.job}; `PermissionDenied` (`queue.drop`).
   */
  async drop(queue: string, id: string): Promise<boolean> {
    return ask('dropJob', { queue: entryId(queue), id })
  },
}

function delayOf(delay: number | string): number {
  const ms = typeof delay === 'string' ? parseDuration(delay) : delay
  if (ms !== undefined && Number.isFinite(ms) && ms >= 0) return ms
  throw invalid(`delay: ${delay} is none: expected milliseconds, or a duration such as "15m"`, { path: 'delay' })
}
