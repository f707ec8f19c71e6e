/** What this package adds to the protocol between threads and the kernel: requests about queues. */
import type { EntryId } from '@troupe/core'
import type { InheritedContext } from '@troupe/process'
import type { Claim, JobCounts, KeptJob } from './driver/driver.ts'
import type { LinkRequests } from './link-protocol.ts'

declare module '@troupe/process/protocol' {
  interface Requests extends QueueRequests, LinkRequests {}
}

interface OfJob {
  readonly queue: EntryId
  readonly id: string
}

/** The requests of threads about queues, and their results. */
export interface QueueRequests {
  publishJob: { ask: PublishRequest; answer: { readonly id: string; readonly isDuplicate: boolean } }
  /** From code that runs a job. Returns false when its outcome no longer counts. */
  jobProgress: { ask: Claim & { readonly value: unknown }; answer: boolean }
  getJob: { ask: OfJob; answer: JobView | undefined }
  countJobs: { ask: { readonly queue: EntryId }; answer: JobCounts }
  deadJobs: {
    ask: { readonly queue: EntryId; readonly limit: number; readonly after?: string }
    answer: readonly JobView[]
  }
  replayJob: { ask: OfJob; answer: boolean }
  dropJob: { ask: OfJob; answer: boolean }
}

/** A job to publish. */
export interface PublishRequest {
  readonly queue: EntryId
  readonly payload: unknown
  readonly id?: string
  /** Milliseconds. */
  readonly delay: number
  readonly priority: number
  readonly key?: string
  readonly inherit: InheritedContext
}

/** A job as the queue keeps it. */
export interface JobView extends Omit<KeptJob, 'body' | 'progress' | 'result'> {
  /** `undefined` once the job is done. */
  readonly payload: unknown
  /** What the code that runs it reported last. */
  readonly progress: unknown
  /** What the function returned, once the job is done. */
  readonly result: unknown
}
