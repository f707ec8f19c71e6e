/**
 * The jobs of queues that wait, and which of them is next. Of the jobs with a key, only the next one of each key has
 * the state `waiting`; those behind it are `blocked`. So the search for the next job does not pass all jobs of a key.
 */
import { randomUUID } from 'node:crypto'
import type { Delivery } from './driver.ts'
import { countRow, type LineRow, lineRow, readyRow, seqRow, seqRows } from './sqlite-rows.ts'
import type { SqliteStatements } from './sqlite-statements.ts'

const next = `SELECT seq, id, key, attempts, body FROM jobs
  WHERE queue = ? AND state = 'waiting' ORDER BY priority DESC, seq LIMIT 1`
const firstOfKey = `SELECT seq, queue, key, priority, attempts FROM jobs
  WHERE queue = ? AND key = ? AND state = 'waiting'`
// One that has begun keeps its place: jobs of a key that run one at a time stay in their order when one fails.
const nextOfKey = `SELECT seq FROM jobs WHERE queue = ? AND key = ? AND state = 'blocked'
  ORDER BY (attempts > 0) DESC, priority DESC, seq LIMIT 1`
const running = `SELECT COUNT(*) AS count FROM
  (SELECT 1 FROM jobs WHERE queue = ? AND key = ? AND state = 'running' LIMIT ?)`
const begun = `SELECT COUNT(*) AS count FROM
  (SELECT 1 FROM jobs WHERE queue = ? AND key = ? AND attempts > 0 AND state <> 'done' AND state <> 'dead' LIMIT ?)`

export class WaitingJobs {
  readonly #sql: SqliteStatements

  constructor(sql: SqliteStatements) {
    this.#sql = sql
  }

  /** The job, which is in no line at the moment, may run from now on. */
  add(seq: number): void {
    const job = lineRow.parse(this.#sql.get('SELECT seq, queue, key, priority, attempts FROM jobs WHERE seq = ?', seq))
    const { queue, key } = job
    if (key === null) {
      this.#set(seq, 'waiting')
      return
    }
    const found = this.#sql.get(firstOfKey, queue, key)
    if (found === undefined) {
      // A job that has begun is never behind: those that are wait until it ends.
      this.#set(seq, job.attempts > 0 || !this.#hasBlocked(queue, key) ? 'waiting' : 'blocked')
      return
    }
    const first = lineRow.parse(found)
    if (isBefore(job, first)) this.#set(first.seq, 'blocked')
    this.#set(seq, isBefore(job, first) ? 'waiting' : 'blocked')
  }

  /**
   * Takes the next job out of the line: it runs from now on.
   *
   * @param lease - Until when its outcome counts.
   * @param perKey - Maximum number of jobs of one key that have begun and are not done; `undefined` for no limit.
   */
  take(queue: string, lease: number, perKey = Infinity): Delivery | undefined {
    for (;;) {
      const job = readyRow.parse(this.#sql.get(next, queue))
      if (job === undefined) return undefined
      const { seq, id, key, attempts, body } = job
      const others = key === null || perKey === Infinity ? 0 : this.#countOf(queue, key, attempts > 0, perKey)
      if (others >= perKey) {
        // Until one of its key ends.
        this.#set(seq, 'blocked')
        continue
      }
      const receipt = randomUUID()
      this.#sql.run(
        `UPDATE jobs SET state = 'running', receipt = ?, attempts = ?, lease = ? WHERE seq = ?`,
        ...[receipt, attempts + 1, lease, seq],
      )
      if (others + 1 < perKey) this.moveUp(queue, key)
      return { queue, id, key: key ?? undefined, body, receipt, attempt: attempts + 1 }
    }
  }

  /** A job of the key was taken, or does not run any more: lets the next one move up, if there is none in front. */
  moveUp(queue: string, key: string | null): void {
    if (key === null || this.#sql.get(firstOfKey, queue, key) !== undefined) return
    const found = seqRow.parse(this.#sql.get(nextOfKey, queue, key))
    if (found !== undefined) this.#set(found.seq, 'waiting')
  }

  /** Those that are due may run from now on. @param most - Maximum number of jobs. */
  addDue(queue: string, now: number, most: number): void {
    const due = this.#sql.all(
      `SELECT seq FROM jobs WHERE queue = ? AND state = 'delayed' AND due <= ? ORDER BY due LIMIT ?`,
      ...[queue, now, most],
    )
    for (const { seq } of seqRows.parse(due)) this.add(seq)
  }

  /** Number of jobs of a key that run, or that have begun: at most `most`. */
  #countOf(queue: string, key: string, isRunning: boolean, most: number): number {
    return countRow.parse(this.#sql.get(isRunning ? running : begun, queue, key, most)).count
  }

  #hasBlocked(queue: string, key: string): boolean {
    return (
      this.#sql.get(`SELECT 1 FROM jobs WHERE queue = ? AND key = ? AND state = 'blocked'`, queue, key) !== undefined
    )
  }

  #set(seq: number, state: 'waiting' | 'blocked'): void {
    this.#sql.run('UPDATE jobs SET state = ? WHERE seq = ?', state, seq)
  }
}

function isBefore(a: LineRow, b: LineRow): boolean {
  if (a.attempts > 0 !== b.attempts > 0) return a.attempts > 0
  return a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority
}
