/**
 * Jobs in a stream of JetStream, for the nodes of a cluster. Each job is the last message of a subject, and each change
 * is a compare-and-set on it, so the servers decide who gets a job and whether an outcome counts.
 */
import { unavailable } from '@troupe/core'
import type {
  Claim,
  Delivery,
  JobCounts,
  JobError,
  KeptJob,
  NewJob,
  Published,
  QueueDriver,
  Reservation,
} from '../driver/driver.ts'
import { fullQueue } from '../driver/refusals.ts'
import { Claims } from './claims.ts'
import { deadPage, keptJob } from './dead-page.ts'
import { FollowedQueue } from './followed-queue.ts'
import { decodeJob, encodeJob, type JobRecord } from './job-record.ts'
import type { JobStream } from './job-stream.ts'
import { dropBytes, keepBytes } from './kept-bytes.ts'
import { isUnfinished } from './indexed-job.ts'
import type { IndexClock } from './queue-index.ts'
import { noteSchema, removeSchema, storedQueues } from './stored-schemas.ts'
import { JobSubjects, tokenOf } from './subjects.ts'
import { takeJobs } from './take-jobs.ts'
import { waitingSince } from './waiting-since.ts'
import { ReadyQueues } from '../driver/ready-queues.ts'

export interface JetStreamDriverOptions {
  /** The subject under which the jobs are. */
  readonly prefix: string
  readonly clock: IndexClock
  /** Whether this node may take and publish jobs. */
  readonly isMember: () => boolean
}

/** Milliseconds that a change may take, while the servers elect a leader for example. */
const patience = 10_000

export class JetStreamDriver implements QueueDriver {
  readonly #options: JetStreamDriverOptions
  readonly #subjects: JobSubjects
  readonly #followed = new Map<string, FollowedQueue>()
  readonly #publishing = new Map<string, number>()
  readonly #claims: Claims
  readonly #ready = new ReadyQueues()
  #stream: JobStream | undefined

  constructor(options: JetStreamDriverOptions) {
    this.#options = options
    this.#subjects = new JobSubjects(options.prefix)
    this.#claims = new Claims({
      ...{ clock: options.clock, subjects: this.#subjects, patience },
      stream: () => this.#opened(),
      indexOf: async (queue) => this.#index(queue),
      changed: (queue) => {
        this.#ready.emit(queue)
      },
    })
  }

  /** Uses the stream over another connection from now on; `undefined` while there is none. */
  use(stream: JobStream | undefined): void {
    this.#stream = stream
    if (stream === undefined) return
    for (const followed of this.#followed.values()) followed.follow(stream)
  }

  async publish(job: NewJob, limit: number): Promise<Published> {
    const { queue, id } = job
    const index = await this.#index(queue)
    const stream = this.#member()
    const token = tokenOf(id)
    const known = index.get(token)
    let expected = index.revisionOf(token)
    if (known !== undefined && this.#isKept(known.record)) {
      const found = await this.#read(queue, id)
      if (found.record !== undefined && this.#isKept(found.record)) return { id, isDuplicate: true }
      expected = found.revision
    }
    const publishing = this.#publishing.get(queue) ?? 0
    if (index.unfinished + publishing >= limit) throw fullQueue(queue, limit)
    this.#publishing.set(queue, publishing + 1)
    try {
      return await this.#publishNew(stream, job, expected)
    } finally {
      this.#publishing.set(queue, (this.#publishing.get(queue) ?? 1) - 1)
    }
  }

  async #publishNew(stream: JobStream, job: NewJob, before: number): Promise<Published> {
    const { queue, id, priority, key, due } = job
    const about = { subjects: this.#subjects, queue, patience }
    const record: JobRecord = {
      ...{ state: 'ready', id, priority, key, due, attempts: 0, errors: [] },
      published: this.#options.clock.date(),
      body: await keepBytes(stream, job.body, about),
    }
    for (let expected = before; ; ) {
      const revision = await stream.write(this.#subjects.job(queue, id), encodeJob(record), { expected, patience })
      if (revision !== undefined) {
        const index = await this.#index(queue)
        index.put(tokenOf(id), revision, record)
        this.#ready.emit(queue)
        return { id, isDuplicate: false }
      }
      const found = await this.#read(queue, id)
      if (found.record !== undefined && this.#isKept(found.record)) {
        await dropBytes(stream, [record.body], about)
        return { id, isDuplicate: true }
      }
      expected = found.revision
    }
  }

  async reserve(queue: string, reservation: Reservation): Promise<readonly Delivery[]> {
    const index = await this.#index(queue)
    await this.#claims.expire(queue, reservation.maxAttempts)
    return takeJobs(
      {
        ...{ index, queue, subjects: this.#subjects, patience, stream: this.#member() },
        ...{ clock: this.#options.clock, claims: this.#claims },
        isMember: this.#options.isMember,
      },
      reservation,
    )
  }

  async acknowledge(claim: Claim, result: Uint8Array | undefined, keep: number): Promise<boolean> {
    return this.#claims.finish(claim, result, keep)
  }

  async retry(claim: Claim, error: JobError, delay: number): Promise<boolean> {
    return this.#claims.leave(claim, { state: 'ready', error, delay })
  }

  async bury(claim: Claim, error: JobError): Promise<boolean> {
    return this.#claims.leave(claim, { state: 'dead', error, delay: 0 })
  }

  async release(claim: Claim, delay: number): Promise<boolean> {
    return this.#claims.leave(claim, { state: 'ready', delay })
  }

  async progress(claim: Claim, value: Uint8Array, ackWait: number): Promise<boolean> {
    return this.#claims.extend(claim, ackWait, value)
  }

  async extend(claim: Claim, ackWait: number): Promise<boolean> {
    return this.#claims.extend(claim, ackWait)
  }

  async nextDue(queue: string): Promise<number | undefined> {
    const index = await this.#index(queue)
    const { clock } = this.#options
    const ends = [...index.running].map((job) => clock.date() + this.#claims.endOf(job) - clock.now())
    const next = Math.min(index.nextDue() ?? Infinity, ...ends)
    return next === Infinity ? undefined : next
  }

  async job(queue: string, id: string): Promise<KeptJob | undefined> {
    const { record } = await this.#read(queue, id)
    if (record === undefined || !this.#isKept(record)) return undefined
    return keptJob(this.#opened(), this.#subjects, { queue, record, date: this.#options.clock.date() })
  }

  async counts(queue: string): Promise<JobCounts> {
    return (await this.#index(queue)).counts()
  }

  async waitingSince(queue: string): Promise<number | undefined> {
    return waitingSince(await this.#index(queue), this.#options.clock.date())
  }

  async dead(queue: string, limit: number, after?: string): Promise<readonly KeptJob[]> {
    const index = await this.#index(queue)
    const date = this.#options.clock.date()
    return deadPage({ stream: this.#opened(), subjects: this.#subjects, index, queue, date }, limit, after)
  }

  async replay(queue: string, id: string): Promise<boolean> {
    return this.#claims.decide(queue, id, (record) => ({
      ...record,
      ...{ state: 'ready', attempts: 0, due: this.#options.clock.date(), receipt: undefined },
    }))
  }

  async drop(queue: string, id: string): Promise<boolean> {
    return this.#claims.decide(queue, id, () => undefined)
  }

  async schema(queue: string, schema: string): Promise<string | undefined> {
    return noteSchema(this.#opened(), this.#subjects, { queue, schema, patience })
  }

  async queues(): Promise<readonly string[]> {
    return storedQueues(this.#opened(), this.#subjects)
  }

  async forget(queue: string): Promise<void> {
    await this.#claims.forgetDone(queue)
    await removeSchema(this.#opened(), this.#subjects, { queue, patience })
    this.#followed.get(queue)?.[Symbol.dispose]()
    this.#followed.delete(queue)
  }

  onReady(queue: string, listener: () => void): Disposable {
    return this.#ready.on(queue, listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const followed of this.#followed.values()) followed[Symbol.dispose]()
    this.#followed.clear()
    await this.#claims.settled()
  }

  /** The record of a job, from the leader of the stream. */
  async #read(queue: string, id: string) {
    const found = await this.#opened().read(this.#subjects.job(queue, id))
    return { revision: found?.revision ?? 0, record: found?.data && decodeJob(found.data) }
  }

  /** Whether the queue keeps a job, so that its id is in use. */
  #isKept(record: JobRecord): boolean {
    return isUnfinished(record) || record.state === 'dead' || (record.until ?? 0) > this.#options.clock.date()
  }

  #opened(): JobStream {
    if (this.#stream === undefined) throw unavailable('cluster: the servers are not connected: no job can be changed')
    return this.#stream
  }

  /** @throws TroupeError `Unavailable` while this node may be declared dead: others act for it. */
  #member(): JobStream {
    if (!this.#options.isMember())
      throw unavailable('cluster: this node is no member now: it neither publishes nor takes jobs')
    return this.#opened()
  }

  /** What is known of a queue, once its records have been read. */
  async #index(queue: string) {
    const stream = this.#opened()
    let followed = this.#followed.get(queue)
    if (followed === undefined) {
      followed = new FollowedQueue({
        ...{ queue, subjects: this.#subjects, clock: this.#options.clock },
        onChange: () => {
          this.#ready.emit(queue)
        },
      })
      this.#followed.set(queue, followed)
      followed.follow(stream)
    }
    await followed.loaded(patience)
    return followed.index
  }
}
