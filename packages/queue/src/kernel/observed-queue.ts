/** What is observed of queues: no payloads and no results. */
import type { EntryId } from '@troupe/core'
import type { JobCounts, KeptJob } from '../driver/driver.ts'

/** What a queue keeps. */
export interface ObservedQueue {
  /** The id of the queue. */
  readonly queue: EntryId
  /** The number of jobs in each state. */
  readonly jobs: JobCounts
  /** Since when the oldest job waits that may run, in milliseconds since 1970; `undefined` when none does. */
  readonly waitingSince: number | undefined
}

/** A job of a dead-letter list. */
export interface DeadJob extends Pick<KeptJob, 'id' | 'key' | 'priority' | 'attempts' | 'published' | 'errors'> {
  /** Milliseconds since 1970. */
  readonly died: number
}
