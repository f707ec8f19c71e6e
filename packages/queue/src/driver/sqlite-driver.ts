/** Jobs in an SQLite file, for the applications of one machine. */
import { asTroupeError, type Calendar, systemClock } from '@troupe/core'
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
} from './driver.ts'
import { deadJobs } from './dead-jobs.ts'
import { countsOf, knownQueues, nextOf, noteSchema, waitingSince } from './sqlite-counts.ts'
import { openSqliteFile, type SqliteFile, type Synchronous } from './sqlite-file.ts'
import { fullQueue, unwritten } from './refusals.ts'
import { Room, type RoomOptions } from './room.ts'
import {
  type ClaimedJob,
  claimedRow,
  errorsWith,
  expiredRows,
  keptColumns,
  keptJob,
  type LeftJob,
  seqRow,
} from './sqlite-rows.ts'
import { SqliteStatements } from './sqlite-statements.ts'
import { UnfinishedJobs } from './unfinished-jobs.ts'
import { WaitingJobs } from './waiting-jobs.ts'
import { WriteBatches } from './write-batches.ts'
import { ReadyQueues } from './ready-queues.ts'

export interface SqliteDriverOptions {
  readonly file: string
  /** Its `now` measures leases, which the date does not change. @default the system's */
  readonly clock?: Pick<Calendar, 'now' | 'date'>
  /** Size of the file in bytes beyond which no more jobs are kept. @default no limit */
  readonly maxBytes?: number | undefined
  /** @default `full` */
  readonly synchronous?: Synchronous | undefined
}

/** Number of rows that one reservation moves on or forgets: more would block the thread for too long. */
const mostSwept = 1_000
const forgetDone = `DELETE FROM jobs WHERE seq IN
  (SELECT seq FROM jobs WHERE queue = ? AND state = 'done' AND until <= ? LIMIT ?)`
const expired = `SELECT seq, key, attempts, errors FROM jobs WHERE queue = ? AND state = 'running' AND lease <= ?`
const isKept = `SELECT 1 FROM jobs WHERE queue = ? AND id = ? AND (state <> 'done' OR until > ?)`

export class SqliteDriver implements QueueDriver {
  readonly #file: SqliteFile
  readonly #clock: Pick<Calendar, 'now' | 'date'>
  readonly #batches: WriteBatches
  readonly #sql: SqliteStatements
  readonly #ready = new ReadyQueues()
  readonly #unfinished: UnfinishedJobs
  readonly #waiting: WaitingJobs
  readonly #room: Room
  readonly #name: string

  /** Opens the file. @throws TroupeError `Conflict`, `Unavailable`. */
  static async open({ file, clock = systemClock, maxBytes, synchronous }: SqliteDriverOptions): Promise<SqliteDriver> {
    return new SqliteDriver(await openSqliteFile(file, synchronous), clock, { file, maxBytes })
  }

  private constructor(file: SqliteFile, clock: Pick<Calendar, 'now' | 'date'>, options: RoomOptions) {
    this.#file = file
    this.#clock = clock
    this.#sql = new SqliteStatements(file.database)
    this.#unfinished = new UnfinishedJobs(this.#sql)
    this.#waiting = new WaitingJobs(this.#sql)
    this.#room = new Room(this.#sql, options)
    this.#name = options.file
    this.#batches = new WriteBatches({
      database: file.database,
      log: file.log,
      rolledBack: () => {
        this.#unfinished.forget()
      },
      errorOf: (cause) => unwritten(this.#name, asTroupeError(cause).message),
    })
    // This program alone has the file open: what ran, ran in a program that has ended.
    this.#sql.run(`UPDATE jobs SET lease = -1 WHERE state = 'running'`)
  }

  async publish(job: NewJob, limit: number): Promise<Published> {
    const { queue, id, body, priority, key, due } = job
    const published = await this.#change(queue, () => {
      const now = this.#clock.date()
      if (this.#sql.get(isKept, queue, id, now) !== undefined) return { id, isDuplicate: true }
      if (this.#unfinished.of(queue) >= limit) return fullQueue(queue, limit)
      const missing = this.#room.missing(body.byteLength)
      if (missing !== undefined) return unwritten(this.#name, missing)
      this.#sql.run(`DELETE FROM jobs WHERE queue = ? AND id = ? AND state = 'done'`, queue, id)
      // Only what waits with a key has a place to find.
      const state = due > now || key !== undefined ? 'delayed' : 'waiting'
      const seq = this.#sql.insert(
        `INSERT INTO jobs (queue, id, state, priority, key, published, due, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[queue, id, state, priority, key ?? null, now, due, body],
      )
      if (due <= now && key !== undefined) this.#waiting.add(seq)
      this.#unfinished.add(queue, 1)
      return { id, isDuplicate: false }
    })
    if (published instanceof Error) throw published
    return published
  }

  async reserve(queue: string, reservation: Reservation): Promise<readonly Delivery[]> {
    const { limit, ackWait, maxAttempts, perKey } = reservation
    return this.#batches.run(() => {
      const date = this.#clock.date()
      const lease = this.#clock.now() + ackWait
      this.#sql.run(forgetDone, queue, date, mostSwept)
      this.#expire(queue, date, maxAttempts)
      this.#waiting.addDue(queue, date, mostSwept)
      const deliveries: Delivery[] = []
      while (deliveries.length < limit) {
        const delivery = this.#waiting.take(queue, lease, perKey)
        if (delivery === undefined) break
        deliveries.push(delivery)
      }
      return deliveries
    })
  }

  /** Takes jobs back from consumers that have not finished them in time. */
  #expire(queue: string, at: number, maxAttempts: number): void {
    for (const job of expiredRows.parse(this.#sql.all(expired, queue, this.#clock.now()))) {
      const message = 'it did not finish: its ack_wait passed, or the program ended'
      const errors = errorsWith(job.errors, { attempt: job.attempts, at, kind: 'Timeout', message })
      this.#leave(queue, job, { state: job.attempts >= maxAttempts ? 'dead' : 'waiting', due: at, errors })
    }
  }

  async acknowledge(claim: Claim, result: Uint8Array | undefined, keep: number): Promise<boolean> {
    return this.#claimed(claim, ({ seq, key }) => {
      this.#unfinished.add(claim.queue, -1)
      if (keep <= 0) this.#sql.run('DELETE FROM jobs WHERE seq = ?', seq)
      else
        this.#sql.run(
          `UPDATE jobs SET state = 'done', receipt = NULL, lease = NULL, until = ?, result = ?, body = x''
            WHERE seq = ?`,
          ...[this.#clock.date() + keep, result ?? null, seq],
        )
      this.#waiting.moveUp(claim.queue, key)
    })
  }

  async retry(claim: Claim, error: JobError, delay: number): Promise<boolean> {
    return this.#claimed(claim, (job) => {
      const errors = errorsWith(job.errors, error)
      this.#leave(claim.queue, job, {
        state: delay > 0 ? 'delayed' : 'waiting',
        due: this.#clock.date() + delay,
        errors,
      })
    })
  }

  async bury(claim: Claim, error: JobError): Promise<boolean> {
    return this.#claimed(claim, (job) => {
      const errors = errorsWith(job.errors, error)
      this.#leave(claim.queue, job, { state: 'dead', due: this.#clock.date(), errors })
    })
  }

  async release(claim: Claim, delay: number): Promise<boolean> {
    return this.#claimed(claim, (job) => {
      const errors = JSON.stringify(job.errors)
      this.#sql.run('UPDATE jobs SET attempts = attempts - 1 WHERE seq = ?', job.seq)
      this.#leave(claim.queue, job, {
        state: delay > 0 ? 'delayed' : 'waiting',
        due: this.#clock.date() + delay,
        errors,
      })
    })
  }

  async progress(claim: Claim, value: Uint8Array, ackWait: number): Promise<boolean> {
    return this.#claimed(claim, ({ seq }) => {
      this.#sql.run('UPDATE jobs SET progress = ?, lease = ? WHERE seq = ?', value, this.#clock.now() + ackWait, seq)
    })
  }

  async extend(claim: Claim, ackWait: number): Promise<boolean> {
    return this.#claimed(claim, ({ seq }) => {
      this.#sql.run('UPDATE jobs SET lease = ? WHERE seq = ?', this.#clock.now() + ackWait, seq)
    })
  }

  async nextDue(queue: string): Promise<number | undefined> {
    const { due, lease } = nextOf(this.#sql, queue)
    const next = Math.min(due, this.#clock.date() + lease - this.#clock.now())
    return next === Infinity ? undefined : next
  }

  async job(queue: string, id: string): Promise<KeptJob | undefined> {
    await this.#batches.durable()
    const row = this.#sql.get(
      `SELECT ${keptColumns} FROM jobs WHERE queue = ? AND id = ? AND (state <> 'done' OR until > ?)`,
      ...[queue, id, this.#clock.date()],
    )
    return row === undefined ? undefined : keptJob(row)
  }

  async counts(queue: string): Promise<JobCounts> {
    await this.#batches.durable()
    return countsOf(this.#sql, queue, this.#clock.date())
  }

  async waitingSince(queue: string): Promise<number | undefined> {
    return waitingSince(this.#sql, queue)
  }

  async dead(queue: string, limit: number, after?: string): Promise<readonly KeptJob[]> {
    return deadJobs(this.#sql, queue, limit, after)
  }

  async replay(queue: string, id: string): Promise<boolean> {
    return this.#change(queue, () => {
      const found = this.#sql.get(`SELECT seq FROM jobs WHERE queue = ? AND id = ? AND state = 'dead'`, queue, id)
      const seq = seqRow.parse(found)?.seq
      if (seq === undefined) return false
      this.#sql.run('UPDATE jobs SET attempts = 0, due = ? WHERE seq = ?', this.#clock.date(), seq)
      this.#waiting.add(seq)
      return true
    })
  }

  async drop(queue: string, id: string): Promise<boolean> {
    return this.#change(queue, () => {
      const dropped = this.#sql.run(`DELETE FROM jobs WHERE queue = ? AND id = ? AND state = 'dead'`, queue, id)
      this.#unfinished.add(queue, -dropped)
      return dropped === 1
    })
  }

  async schema(queue: string, schema: string): Promise<string | undefined> {
    return this.#batches.run(() => noteSchema(this.#sql, queue, schema))
  }

  async queues(): Promise<readonly string[]> {
    return knownQueues(this.#sql)
  }

  async forget(queue: string): Promise<void> {
    for (let most = mostSwept; most === mostSwept; )
      most = await this.#batches.run(() => this.#sql.run(forgetDone, queue, Number.MAX_VALUE, mostSwept))
    await this.#batches.run(() => this.#sql.run('DELETE FROM queues WHERE queue = ?', queue))
  }

  onReady(queue: string, listener: () => void): Disposable {
    return this.#ready.on(queue, listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#batches.flush()
    await this.#file[Symbol.asyncDispose]()
  }

  /** Makes a change after which jobs of the queue may be ready. */
  async #change<T>(queue: string, change: () => T): Promise<T> {
    const value = await this.#batches.run(change)
    this.#ready.emit(queue)
    return value
  }

  /** Makes a change for a consumer whose attempt still counts. */
  async #claimed({ queue, id, receipt }: Claim, change: (job: ClaimedJob) => void): Promise<boolean> {
    return this.#change(queue, () => {
      const found = this.#sql.get(
        `SELECT seq, key, attempts, errors FROM jobs
          WHERE queue = ? AND id = ? AND state = 'running' AND receipt = ? AND lease > ?`,
        ...[queue, id, receipt, this.#clock.now()],
      )
      const job = claimedRow.parse(found)
      if (job !== undefined) change(job)
      return job !== undefined
    })
  }

  /** The job no longer runs. */
  #leave(queue: string, { seq, key }: Pick<ClaimedJob, 'seq' | 'key'>, { state, due, errors }: LeftJob): void {
    this.#sql.run(
      `UPDATE jobs SET state = ?, receipt = NULL, lease = NULL, due = ?, errors = ? WHERE seq = ?`,
      ...[state === 'waiting' ? 'delayed' : state, due, errors, seq],
    )
    if (state === 'waiting') this.#waiting.add(seq)
    this.#waiting.moveUp(queue, key)
  }
}
