/** Jobs in an SQLite file, for the applications of one machine. */
import { EventEmitter } from 'node:events'
import { randomUUID } from 'node:crypto'
import { asTroupeError, unavailable } from '@troupe/core'
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
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts'
import {
  claimedRow,
  errorsWith,
  expiredRows,
  keptColumns,
  keptJob,
  nextRow,
  readyRow,
  schemaRow,
  seqRow,
  stateRows,
} from './sqlite-rows.ts'
import { SqliteStatements } from './sqlite-statements.ts'
import { UnfinishedJobs } from './unfinished-jobs.ts'
import { WriteBatches } from './write-batches.ts'

export interface SqliteDriverOptions {
  readonly file: string
  /** Milliseconds since 1970. @default the system's clock */
  readonly now?: () => number
  /** Size of the file in bytes beyond which writes fail as on a full disk. @default no limit */
  readonly maxBytes?: number
}

const ready = `SELECT seq, id, attempts, key, body FROM jobs AS job WHERE queue = ? AND state = 'waiting'`
const order = 'ORDER BY priority DESC, seq LIMIT 1'
const hasRoom = `AND (key IS NULL OR ? >
  (SELECT COUNT(*) FROM jobs WHERE state = 'running' AND queue = job.queue AND key = job.key))`

export class SqliteDriver implements QueueDriver {
  readonly #file: SqliteFile
  readonly #now: () => number
  readonly #batches: WriteBatches
  readonly #sql: SqliteStatements
  readonly #ready = new EventEmitter<Record<string, []>>()
  readonly #unfinished: UnfinishedJobs

  /** Opens the file. @throws TroupeError `Conflict`, `Unavailable`. */
  static async open({ file, now = Date.now, maxBytes }: SqliteDriverOptions): Promise<SqliteDriver> {
    return new SqliteDriver(await openSqliteFile(file, maxBytes), now, file)
  }

  private constructor(file: SqliteFile, now: () => number, name: string) {
    this.#file = file
    this.#now = now
    this.#sql = new SqliteStatements(file.database)
    this.#unfinished = new UnfinishedJobs(this.#sql)
    this.#ready.setMaxListeners(0)
    this.#batches = new WriteBatches(file.database, (cause) => {
      this.#unfinished.forget()
      const { message } = asTroupeError(cause)
      return unavailable(`${name} cannot be written: ${message}: nothing of this change was kept`, { file: name })
    })
    // This program alone has the file open: what ran, ran in a program that has ended.
    this.#sql.run(`UPDATE jobs SET until = 0 WHERE state = 'running'`)
  }

  async publish(job: NewJob, limit: number): Promise<Published> {
    const { queue, id, body, priority, key, due } = job
    const published = await this.#change(queue, () => {
      const now = this.#now()
      if (
        this.#sql.get(
          `SELECT 1 FROM jobs WHERE queue = ? AND id = ? AND (state <> 'done' OR until > ?)`,
          queue,
          id,
          now,
        )
      )
        return { id, isDuplicate: true }
      if (this.#unfinished.of(queue) >= limit) return undefined
      this.#sql.run(`DELETE FROM jobs WHERE queue = ? AND id = ? AND state = 'done'`, queue, id)
      this.#sql.run(
        `INSERT INTO jobs (queue, id, state, priority, key, published, due, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[queue, id, due > now ? 'delayed' : 'waiting', priority, key ?? null, now, due, body],
      )
      this.#unfinished.add(queue, 1)
      return { id, isDuplicate: false }
    })
    if (published !== undefined) return published
    throw unavailable(`${queue} is full: ${limit} of its jobs are not done, and max_jobs allows no more`, {
      queue,
      limit,
    })
  }

  async reserve(queue: string, reservation: Reservation): Promise<readonly Delivery[]> {
    const { limit, ackWait, maxAttempts, perKey } = reservation
    return this.#batches.run(() => {
      const now = this.#now()
      this.#sql.run(`DELETE FROM jobs WHERE state = 'done' AND until <= ?`, now)
      this.#expire(queue, now, maxAttempts)
      this.#sql.run(`UPDATE jobs SET state = 'waiting' WHERE queue = ? AND state = 'delayed' AND due <= ?`, queue, now)
      const deliveries: Delivery[] = []
      while (deliveries.length < limit) {
        const found =
          perKey === undefined
            ? this.#sql.get(`${ready} ${order}`, queue)
            : this.#sql.get(`${ready} ${hasRoom} ${order}`, queue, perKey)
        const row = readyRow.parse(found)
        if (row === undefined) break
        const { seq, id, key, body } = row
        const claim = { receipt: randomUUID(), attempt: row.attempts + 1, expires: now + ackWait }
        this.#sql.run(
          `UPDATE jobs SET state = 'running', receipt = ?, attempts = ?, until = ? WHERE seq = ?`,
          ...[claim.receipt, claim.attempt, claim.expires, seq],
        )
        deliveries.push({ queue, id, key: key ?? undefined, body, ...claim })
      }
      return deliveries
    })
  }

  /** Takes jobs back from consumers that have not finished them in time. */
  #expire(queue: string, now: number, maxAttempts: number): void {
    const rows = this.#sql.all(
      `SELECT seq, attempts, errors FROM jobs WHERE queue = ? AND state = 'running' AND until <= ?`,
      ...[queue, now],
    )
    for (const { seq, attempts, errors } of expiredRows.parse(rows)) {
      const message = 'it did not finish: its ack_wait passed, or the program ended'
      const error = { attempt: attempts, at: now, kind: 'Timeout', message }
      this.#leave(seq, attempts >= maxAttempts ? 'dead' : 'waiting', { due: now, errors: errorsWith(errors, error) })
    }
  }

  async acknowledge(claim: Claim, result: Uint8Array | undefined, keep: number): Promise<boolean> {
    return this.#claimed(claim, ({ seq }, now) => {
      this.#unfinished.add(claim.queue, -1)
      if (keep <= 0) this.#sql.run('DELETE FROM jobs WHERE seq = ?', seq)
      else
        this.#sql.run(
          `UPDATE jobs SET state = 'done', receipt = NULL, until = ?, result = ?, body = x'' WHERE seq = ?`,
          ...[now + keep, result ?? null, seq],
        )
    })
  }

  async retry(claim: Claim, error: JobError, delay: number): Promise<boolean> {
    return this.#claimed(claim, ({ seq, errors }, now) => {
      this.#leave(seq, delay > 0 ? 'delayed' : 'waiting', { due: now + delay, errors: errorsWith(errors, error) })
    })
  }

  async bury(claim: Claim, error: JobError): Promise<boolean> {
    return this.#claimed(claim, ({ seq, errors }, now) => {
      this.#leave(seq, 'dead', { due: now, errors: errorsWith(errors, error) })
    })
  }

  async release(claim: Claim, delay: number): Promise<boolean> {
    return this.#claimed(claim, ({ seq, errors }, now) => {
      this.#sql.run('UPDATE jobs SET attempts = attempts - 1 WHERE seq = ?', seq)
      this.#leave(seq, delay > 0 ? 'delayed' : 'waiting', { due: now + delay, errors: JSON.stringify(errors) })
    })
  }

  async progress(claim: Claim, value: Uint8Array, ackWait: number): Promise<boolean> {
    return this.#claimed(claim, ({ seq }, now) => {
      this.#sql.run('UPDATE jobs SET progress = ?, until = ? WHERE seq = ?', value, now + ackWait, seq)
    })
  }

  async nextDue(queue: string): Promise<number | undefined> {
    const row = this.#sql.get(
      `SELECT MIN(next) AS next FROM (
        SELECT MIN(due) AS next FROM jobs WHERE queue = ?1 AND state = 'delayed'
        UNION ALL SELECT MIN(until) FROM jobs WHERE queue = ?1 AND state = 'running')`,
      queue,
    )
    return nextRow.parse(row).next ?? undefined
  }

  async job(queue: string, id: string): Promise<KeptJob | undefined> {
    const row = this.#sql.get(
      `SELECT ${keptColumns} FROM jobs WHERE queue = ? AND id = ? AND (state <> 'done' OR until > ?)`,
      ...[queue, id, this.#now()],
    )
    return row === undefined ? undefined : keptJob(row)
  }

  async counts(queue: string): Promise<JobCounts> {
    const rows = this.#sql.all(
      `SELECT state, COUNT(*) AS count FROM jobs WHERE queue = ? AND (state <> 'done' OR until > ?) GROUP BY state`,
      ...[queue, this.#now()],
    )
    const found = stateRows.parse(rows).map(({ state, count }) => [state, count] as const)
    return { delayed: 0, waiting: 0, running: 0, done: 0, dead: 0, ...Object.fromEntries(found) }
  }

  async dead(queue: string, limit: number, after?: string): Promise<readonly KeptJob[]> {
    const last =
      after === undefined ? undefined : this.#sql.get('SELECT seq FROM jobs WHERE queue = ? AND id = ?', queue, after)
    const rows = this.#sql.all(
      `SELECT ${keptColumns} FROM jobs WHERE queue = ? AND state = 'dead' AND seq > ? ORDER BY seq LIMIT ?`,
      ...[queue, seqRow.parse(last)?.seq ?? 0, limit],
    )
    return rows.map(keptJob)
  }

  async replay(queue: string, id: string): Promise<boolean> {
    return this.#change(
      queue,
      () =>
        this.#sql.run(
          `UPDATE jobs SET state = 'waiting', attempts = 0, due = ? WHERE queue = ? AND id = ? AND state = 'dead'`,
          ...[this.#now(), queue, id],
        ) === 1,
    )
  }

  async drop(queue: string, id: string): Promise<boolean> {
    return this.#change(queue, () => this.#dropped(queue, id))
  }

  async schema(queue: string, schema: string): Promise<string | undefined> {
    return this.#batches.run(() => {
      const known = schemaRow.parse(this.#sql.get('SELECT schema FROM queues WHERE queue = ?', queue))?.schema
      if (known !== schema) this.#sql.run('INSERT OR REPLACE INTO queues (queue, schema) VALUES (?, ?)', queue, schema)
      return known
    })
  }

  onReady(queue: string, listener: () => void): Disposable {
    this.#ready.on(queue, listener)
    return {
      [Symbol.dispose]: () => {
        this.#ready.off(queue, listener)
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#batches.flush()
    this.#file[Symbol.dispose]()
  }

  /** Makes a change after which jobs of the queue may be ready. */
  async #change<T>(queue: string, change: () => T): Promise<T> {
    const value = await this.#batches.run(change)
    this.#ready.emit(queue)
    return value
  }

  /** Makes a change for a consumer whose attempt still counts. */
  async #claimed(
    { queue, id, receipt }: Claim,
    change: (job: NonNullable<ReturnType<typeof claimedRow.parse>>, now: number) => void,
  ): Promise<boolean> {
    return this.#change(queue, () => {
      const now = this.#now()
      const found = this.#sql.get(
        `SELECT seq, attempts, errors FROM jobs
          WHERE queue = ? AND id = ? AND state = 'running' AND receipt = ? AND until > ?`,
        ...[queue, id, receipt, now],
      )
      const row = claimedRow.parse(found)
      if (row !== undefined) change(row, now)
      return row !== undefined
    })
  }

  /** The job no longer runs. */
  #leave(seq: number, state: 'delayed' | 'waiting' | 'dead', about: { readonly due: number; readonly errors: string }) {
    this.#sql.run(
      'UPDATE jobs SET state = ?, receipt = NULL, until = NULL, due = ?, errors = ? WHERE seq = ?',
      ...[state, about.due, about.errors, seq],
    )
  }

  #dropped(queue: string, id: string): boolean {
    const isDropped = this.#sql.run(`DELETE FROM jobs WHERE queue = ? AND id = ? AND state = 'dead'`, queue, id) === 1
    if (isDropped) this.#unfinished.add(queue, -1)
    return isDropped
  }
}
