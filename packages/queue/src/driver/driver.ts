/**
 * What keeps jobs. A driver decides who gets a job, and whether an outcome still counts; it neither runs jobs nor reads
 * their bodies. `testing/driver-contract.ts` tests every driver.
 */

/** A job to keep. */
export interface NewJob {
  /** The queue's entry. */
  readonly queue: string
  /** A job with the id of one that the queue still keeps is not kept again. */
  readonly id: string
  readonly body: Uint8Array
  /** 0 to 9; the highest is run first. */
  readonly priority: number
  /** Jobs of one key can be limited to a number at a time. */
  readonly key: string | undefined
  /** When it may run first, in milliseconds since 1970. */
  readonly due: number
}

export interface Published {
  readonly id: string
  /** Whether the queue kept a job with that id already. */
  readonly isDuplicate: boolean
}

/** Which jobs a consumer takes. */
export interface Reservation {
  /** Maximum number of jobs. */
  readonly limit: number
  /** Milliseconds within which an outcome counts. */
  readonly ackWait: number
  /** Jobs with that many attempts that did not finish become dead. */
  readonly maxAttempts: number
  /**
   * Maximum number of jobs of one key that have begun and are neither done nor dead. So with 1, the jobs of a key run
   * in their order, also when one fails and is due again later. Consumers of a queue should give the same number.
   *
   * @default no limit
   */
  readonly perKey?: number | undefined
}

/** The right to decide the outcome of one attempt. */
export interface Claim {
  readonly queue: string
  readonly id: string
  /** A random text that no other attempt has. */
  readonly receipt: string
}

/** A job that a consumer runs. */
export interface Delivery extends Claim {
  /** The first is 1. */
  readonly attempt: number
  readonly key: string | undefined
  readonly body: Uint8Array
}

/** Why an attempt failed. */
export interface JobError {
  /** The number of the attempt; the first is 1. */
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** The kind of the error. */
  readonly kind: string
  /** The message of the error. */
  readonly message: string
  /** Such as `ENETWORK`. */
  readonly code?: string | undefined
}

/** `delayed`: it is not due yet; `dead`: it does not run any more, and waits for `replay` or `drop`. */
export type JobState = 'delayed' | 'waiting' | 'running' | 'done' | 'dead'

/** A job as it is kept. */
export interface KeptJob {
  /** The id of the queue. */
  readonly queue: string
  /** The id of the job. */
  readonly id: string
  /** Whether it waits, runs or is dead. */
  readonly state: JobState
  /** 0 to 9: jobs with a higher one are run first. */
  readonly priority: number
  /** The key with which it was published. */
  readonly key: string | undefined
  /** Number of attempts that began. */
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly published: number
  /** When it may run, in milliseconds since 1970. */
  readonly due: number
  readonly body: Uint8Array
  readonly progress: Uint8Array | undefined
  readonly result: Uint8Array | undefined
  /** The last ones, at most 20. */
  readonly errors: readonly JobError[]
}

/** The number of jobs of a queue in each state. */
export type JobCounts = Readonly<Record<JobState, number>>

/** Number of errors that are kept of a job. */
export const mostErrors = 20

/** The bytes of bodies beyond which a page of jobs ends. */
export const mostListedBytes = 16 << 20

/**
 * Keeps jobs. Each method that changes something settles when the change is durable, and rejects with `Unavailable`
 * when it cannot be: then nothing has changed. A method that takes a {@link Claim} returns false, and changes nothing,
 * when the outcome of that attempt no longer counts.
 */
export interface QueueDriver extends AsyncDisposable {
  /**
   * Keeps a job.
   *
   * @param limit - Maximum number of jobs of the queue that are not done.
   * @throws TroupeError `Unavailable` beyond the limit.
   */
  publish(job: NewJob, limit: number): Promise<Published>
  /** Gives jobs to a consumer: the highest priority first, then in the order in which they were published. */
  reserve(queue: string, reservation: Reservation): Promise<readonly Delivery[]>
  /** The job is done. @param keep - Milliseconds for which its id and result are kept. */
  acknowledge(claim: Claim, result: Uint8Array | undefined, keep: number): Promise<boolean>
  /** The attempt failed. The job is due again after `delay` milliseconds. */
  retry(claim: Claim, error: JobError, delay: number): Promise<boolean>
  /** The job is dead. */
  bury(claim: Claim, error: JobError): Promise<boolean>
  /** The job is given back as if the attempt had not begun. It is due again after `delay` milliseconds. */
  release(claim: Claim, delay: number): Promise<boolean>
  /** Keeps how far the job is, and lets its outcome count for `ackWait` more milliseconds. */
  progress(claim: Claim, value: Uint8Array, ackWait: number): Promise<boolean>
  /** Lets the outcome of an attempt count for `ackWait` milliseconds from now. */
  extend(claim: Claim, ackWait: number): Promise<boolean>
  /** When {@link reserve} is to be called next, in milliseconds since 1970; `undefined` when nothing is delayed. */
  nextDue(queue: string): Promise<number | undefined>
  job(queue: string, id: string): Promise<KeptJob | undefined>
  counts(queue: string): Promise<JobCounts>
  /** Returns since when the job waits that waits for the longest, in milliseconds since 1970. */
  waitingSince(queue: string): Promise<number | undefined>
  /**
   * Dead jobs, the oldest first, after the one with the id `after`. A page ends early at 16 MiB.
   *
   * @throws TroupeError `NotFound` when the queue does not keep the job `after`.
   */
  dead(queue: string, limit: number, after?: string): Promise<readonly KeptJob[]>
  /** Lets a dead job run again, with all its attempts. Returns whether it was dead. */
  replay(queue: string, id: string): Promise<boolean>
  /** Removes a dead job. Returns whether it was dead. */
  drop(queue: string, id: string): Promise<boolean>
  /** Notes the schema of a queue's payloads, and returns the one noted before. */
  schema(queue: string, schema: string): Promise<string | undefined>
  /** Queues with a schema that was noted. */
  queues(): Promise<readonly string[]>
  /** Forgets the schema of a queue, and its jobs that are done. */
  forget(queue: string): Promise<void>
  /** Calls `listener` each time that a job of the queue may have become ready, until it is disposed of. */
  onReady(queue: string, listener: () => void): Disposable
}
