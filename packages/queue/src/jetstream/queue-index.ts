/**
 * What is known of the jobs of one queue, from the records that were seen, in the order in which jobs are taken. It may
 * be late: the servers decide each change.
 */
import type { JobCounts } from '../driver/driver.ts'
import { decodeJob, decodeKey, type JobRecord } from './job-record.ts'
import { Heap } from './heap.ts'
import { tokenOf } from './subjects.ts'
import { type IndexedJob, isBefore, isUnfinished, type KeyLine } from './indexed-job.ts'
import { keyLine, mayBegin, nextOfLine } from './key-line.ts'

export interface IndexClock {
  /** Milliseconds of a monotonic clock. */
  now(): number
  /** Milliseconds since 1970. */
  date(): number
}

export class QueueIndex {
  readonly #clock: IndexClock
  readonly #jobs = new Map<string, IndexedJob>()
  /** Revisions of what was removed, until the watch has shown them. */
  readonly #removed = new Map<string, number>()
  readonly #lines = new Map<string, KeyLine>()
  readonly #ready = new Heap(isBefore)
  readonly #delayed = new Heap<IndexedJob>((a, b) => a.record.due < b.record.due)
  readonly #done = new Heap<IndexedJob>((a, b) => (a.record.until ?? 0) < (b.record.until ?? 0))
  readonly #running = new Map<string, IndexedJob>()
  /** Those that are due and do not run. */
  readonly #waiting = new Set<IndexedJob>()
  #unfinished = 0
  #dead = 0
  /** The last revision that the watch has shown. */
  #watched = 0
  #highest = 0

  constructor(clock: IndexClock) {
    this.#clock = clock
  }

  /** Number of jobs that are not done. */
  get unfinished(): number {
    return this.#unfinished + this.#dead
  }

  /** The jobs that run, according to their records. */
  get running(): Iterable<IndexedJob> {
    return this.#running.values()
  }

  /** Whether the watch has shown all up to a revision. */
  hasShown(revision: number): boolean {
    return this.#watched >= revision
  }

  get highest(): number {
    return this.#highest
  }

  get all(): Iterable<IndexedJob> {
    return this.#jobs.values()
  }
  get(token: string): IndexedJob | undefined {
    return this.#jobs.get(token)
  }

  /** The revision of the last record of a job. */
  revisionOf(token: string): number {
    return this.#jobs.get(token)?.revision ?? this.#removed.get(token) ?? 0
  }

  /** Takes the record of a job that the watch shows. */
  see(token: string, revision: number, data: Uint8Array | undefined): void {
    this.#watched = Math.max(this.#watched, revision)
    if (revision > this.revisionOf(token)) this.put(token, revision, data && decodeJob(data))
    else if (this.#removed.get(token) === revision) this.#removed.delete(token)
  }

  /** Takes a record that this node has written or read. `undefined`: it was removed. */
  put(token: string, revision: number, record: JobRecord | undefined): void {
    if (revision <= this.revisionOf(token)) return
    this.#highest = Math.max(this.#highest, revision)
    this.#leave(token)
    this.#removed.delete(token)
    if (record === undefined) {
      if (revision > this.#watched) this.#removed.set(token, revision)
      return
    }
    const line = record.key === undefined ? undefined : this.#lineOf(record.key)
    const job: IndexedJob = {
      ...{ token, revision, record, line },
      order: record.order ?? revision,
      seenAt: this.#clock.now(),
      isPicked: false,
    }
    this.#jobs.set(token, job)
    this.#enter(job)
  }

  /** The servers have no message of this job: its time was over. */
  forget(token: string): void {
    this.#leave(token)
    this.#removed.delete(token)
  }

  /** All records were read again: others, up to the revision, do not exist any more. */
  keepOnly(tokens: ReadonlySet<string>, highest: number): void {
    this.#watched = Math.max(this.#watched, highest)
    for (const { token, revision } of this.#jobs.values())
      if (revision <= highest && !tokens.has(token)) this.forget(token)
    for (const line of this.#lines.values())
      if (line.revision <= highest && !tokens.has(line.token)) {
        line.holders = []
        this.#offer(line)
        this.#tidy(line)
      }
  }

  /** Takes the record of a key. */
  seeKey(token: string, revision: number, data: Uint8Array | undefined, isWatched = false): void {
    if (isWatched) this.#watched = Math.max(this.#watched, revision)
    const record = data && decodeKey(data)
    const line = record === undefined ? this.#lines.get(token) : this.#lineOf(record.key)
    if (line === undefined || revision < line.revision) return
    line.revision = revision
    line.holders = record?.holders ?? []
    this.#offer(line)
    this.#tidy(line)
  }

  /**
   * Those of a key's record that are not done. A record that was read can be ahead of the watch: then it is not known
   * yet whether another node's jobs are done.
   */
  holdersOf({ holders, revision }: KeyLine): readonly string[] {
    return holders.filter((token) => {
      const job = this.#jobs.get(token)
      if (job !== undefined && isUnfinished(job.record)) return true
      return revision > this.#watched && this.revisionOf(token) < revision
    })
  }

  /** Picks jobs to take, in their order. Each must be taken, or {@link putBack}. */
  pick(limit: number, perKey = Infinity): readonly IndexedJob[] {
    this.#moveDue()
    const picked: IndexedJob[] = []
    while (picked.length < limit) {
      const job = this.#ready.take()
      if (job === undefined) break
      const { line } = job
      if (!this.#isNext(job)) continue
      if (line !== undefined) {
        line.candidate = undefined
        if (!mayBegin(job, this.#othersOf(line), perKey)) continue
      }
      job.isPicked = true
      line?.picked.add(job.token)
      picked.push(job)
      if (line !== undefined) this.#offer(line)
    }
    return picked
  }

  /** It was not taken. */
  putBack(job: IndexedJob): void {
    job.isPicked = false
    job.line?.picked.delete(job.token)
    if (this.#jobs.get(job.token) === job) this.#line(job)
    else if (job.line !== undefined) this.#offer(job.line)
  }

  counts(): JobCounts {
    this.#moveDue()
    this.#forgetDone()
    const running = this.#running.size
    const done = this.#jobs.size - this.#unfinished - this.#dead
    const waiting = this.#waiting.size
    return { delayed: this.#unfinished - running - waiting, waiting, running, done, dead: this.#dead }
  }

  /** When the next job is due. One that is due since the last {@link pick} is due now. */
  nextDue(): number | undefined {
    this.#moveDue()
    while (this.#ready.first !== undefined && !this.#isNext(this.#ready.first)) this.#ready.take()
    return this.#ready.first === undefined ? this.#delayed.first?.record.due : this.#clock.date()
  }

  /** Those of a key that have begun, or are being taken, and are neither done nor dead. */
  #othersOf(line: KeyLine): ReadonlyMap<string, IndexedJob | undefined> {
    const tokens = new Set([...line.begun, ...line.picked, ...this.holdersOf(line)])
    return new Map([...tokens].map((token) => [token, this.#jobs.get(token)]))
  }

  #isCurrent(job: IndexedJob): boolean {
    return this.#jobs.get(job.token) === job && job.record.state === 'ready' && !job.isPicked
  }

  #isNext(job: IndexedJob): boolean {
    return this.#isCurrent(job) && (job.line === undefined || job.line.candidate === job)
  }

  #enter(job: IndexedJob): void {
    const { record, line, token } = job
    if (record.state === 'done') this.#done.add(job)
    if (record.state === 'dead') this.#dead += 1
    if (record.state === 'running') this.#running.set(token, job)
    if (isUnfinished(record)) this.#unfinished += 1
    if (line !== undefined && isUnfinished(record)) {
      line.unfinished += 1
      if (record.attempts > 0) line.begun.add(token)
    }
    if (record.state === 'ready' && record.due > this.#clock.date()) this.#delayed.add(job)
    else if (record.state === 'ready') {
      this.#waiting.add(job)
      this.#line(job)
    }
    if (line === undefined) return
    this.#offer(line)
    this.#tidy(line)
  }

  #leave(token: string): void {
    const job = this.#jobs.get(token)
    if (job === undefined) return
    this.#jobs.delete(token)
    this.#running.delete(token)
    const { record, line } = job
    if (record.state === 'dead') this.#dead -= 1
    this.#waiting.delete(job)
    if (!isUnfinished(record)) return
    this.#unfinished -= 1
    if (line === undefined) return
    line.unfinished -= 1
    line.begun.delete(token)
    line.picked.delete(token)
    if (line.candidate === job) line.candidate = undefined
    this.#offer(line)
    this.#tidy(line)
  }

  #moveDue(): void {
    for (;;) {
      const job = this.#delayed.first
      if (job === undefined) return
      const isCurrent = this.#jobs.get(job.token) === job
      if (isCurrent && job.record.due > this.#clock.date()) return
      this.#delayed.take()
      if (!isCurrent) continue
      this.#waiting.add(job)
      this.#line(job)
    }
  }

  #forgetDone(): void {
    for (;;) {
      const job = this.#done.first
      if (job === undefined) return
      const isCurrent = this.#jobs.get(job.token) === job
      if (isCurrent && (job.record.until ?? 0) > this.#clock.date()) return
      this.#done.take()
      if (isCurrent) this.#leave(job.token)
    }
  }

  /** The job may run: it gets its place among the others. */
  #line(job: IndexedJob): void {
    const { line } = job
    if (line === undefined) {
      this.#ready.add(job)
      return
    }
    line.ready.add(job)
    this.#offer(line)
  }

  /** The next job of a key gets its place in the line of the queue. */
  #offer(line: KeyLine): void {
    const next = nextOfLine(line, (token) => {
      const job = this.#jobs.get(token)
      return job !== undefined && this.#isCurrent(job) && job.record.due <= this.#clock.date() ? job : undefined
    })
    if (next === undefined || next === line.candidate) return
    line.candidate = next
    this.#ready.add(next)
  }

  /** The record of a key of which there are no jobs is of no use. */
  #tidy(line: KeyLine): void {
    if (line.unfinished === 0 && line.holders.length === 0) this.#lines.delete(line.token)
  }

  #lineOf(key: string): KeyLine {
    const token = tokenOf(key)
    const known = this.#lines.get(token)
    if (known !== undefined) return known
    const made = keyLine(token, key)
    this.#lines.set(token, made)
    return made
  }
}
