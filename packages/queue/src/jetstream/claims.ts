/** The attempts of jobs that run, and what becomes of them. */
import { type Claim, type JobError, mostErrors } from '../driver/driver.ts'
import type { IndexedJob } from './indexed-job.ts'
import { decodeJob, encodeJob, type JobRecord, type Kept } from './job-record.ts'
import type { JobStream } from './job-stream.ts'
import { dropBytes, keepBytes } from './kept-bytes.ts'
import type { IndexClock, QueueIndex } from './queue-index.ts'
import { type JobSubjects, tokenOf } from './subjects.ts'

export interface ClaimsOptions {
  readonly clock: IndexClock
  readonly subjects: JobSubjects
  readonly patience: number
  /** @throws TroupeError `Unavailable` while there is none. */
  readonly stream: () => JobStream
  readonly indexOf: (queue: string) => Promise<QueueIndex>
  /** Jobs of the queue may be ready. */
  readonly changed: (queue: string) => void
}

/** How a job is left that does not run any more. Without an error the attempt does not count. */
export interface Left {
  readonly state: 'ready' | 'dead'
  readonly error?: JobError
  /** Milliseconds. */
  readonly delay: number
}

type Change = (record: JobRecord) => { readonly record: JobRecord | undefined; readonly keep?: number } | undefined

const nothing: Kept = { bytes: new Uint8Array() }

export class Claims {
  readonly #options: ClaimsOptions
  /** When the outcomes of this node's attempts cease to count, by their receipts. */
  readonly #ends = new Map<string, number>()
  readonly #tidying = new Set<Promise<unknown>>()

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  /** An attempt of this node begins. */
  add(receipt: string, end: number): void {
    this.#ends.set(receipt, end)
  }

  /** When another consumer may get a job that runs, by this machine's own clock. */
  endOf({ record, seenAt }: IndexedJob): number {
    const own = record.receipt === undefined ? undefined : this.#ends.get(record.receipt)
    return own ?? seenAt + (record.ackWait ?? 0)
  }

  async finish(claim: Claim, result: Uint8Array | undefined, keep: number): Promise<boolean> {
    const about = this.#about(claim.queue)
    if (keep <= 0) return this.#claimed(claim, () => ({ record: undefined }))
    const stream = this.#options.stream()
    const kept = result && (await keepBytes(stream, result, about, keep))
    const until = this.#options.clock.date() + keep
    const isKept = await this.#claimed(claim, (record) => ({
      record: { ...record, state: 'done', receipt: undefined, until, body: nothing, result: kept },
      keep,
    }))
    if (!isKept) await dropBytes(stream, [kept], about)
    return isKept
  }

  async leave(claim: Claim, { state, error, delay }: Left): Promise<boolean> {
    const due = this.#options.clock.date() + delay
    return this.#claimed(claim, ({ errors, attempts, ...record }) => ({
      record: {
        ...record,
        ...{ state, due, receipt: undefined },
        attempts: error === undefined ? attempts - 1 : attempts,
        errors: error === undefined ? errors : [...errors, error].slice(-mostErrors),
      },
    }))
  }

  async extend(claim: Claim, ackWait: number, value?: Uint8Array): Promise<boolean> {
    const end = this.#options.clock.now() + ackWait
    const about = this.#about(claim.queue)
    const stream = this.#options.stream()
    const progress = value && (await keepBytes(stream, value, about))
    let former: Kept | undefined
    const isKept = await this.#claimed(claim, (record) => {
      former = record.progress
      return { record: { ...record, ackWait, ...(progress && { progress }) } }
    })
    if (isKept) this.#ends.set(claim.receipt, end)
    if (progress !== undefined) await dropBytes(stream, [isKept ? former : progress], about)
    return isKept
  }

  /** Changes a dead job; `undefined` removes it. Returns whether it was dead. */
  async decide(queue: string, id: string, change: (record: JobRecord) => JobRecord | undefined): Promise<boolean> {
    return this.#change(queue, id, (record) => (record.state === 'dead' ? { record: change(record) } : undefined))
  }

  /** Takes jobs back from consumers that have not finished them in time. */
  async expire(queue: string, maxAttempts: number): Promise<void> {
    const { clock, indexOf } = this.#options
    const index = await indexOf(queue)
    const late = [...index.running].filter((job) => this.endOf(job) <= clock.now())
    await Promise.all(
      late.map(async ({ record: { id, receipt } }) => {
        await this.#change(queue, id, (record) => {
          if (record.state !== 'running' || record.receipt !== receipt) return undefined
          const message = 'it did not finish: its ack_wait passed, or its node ended'
          const error = { attempt: record.attempts, at: clock.date(), kind: 'Timeout', message }
          const errors = [...record.errors, error].slice(-mostErrors)
          const state = record.attempts >= maxAttempts ? 'dead' : 'ready'
          return { record: { ...record, state, due: clock.date(), receipt: undefined, errors } }
        })
        if (receipt !== undefined) this.#ends.delete(receipt)
      }),
    )
  }

  /** Removes the jobs that are done. */
  async forgetDone(queue: string): Promise<void> {
    const index = await this.#options.indexOf(queue)
    for (const { record } of [...index.all].filter((job) => job.record.state === 'done'))
      await this.#change(queue, record.id, ({ state }) => (state === 'done' ? { record: undefined } : undefined))
  }

  /** Settles when nothing is written any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#tidying)
  }

  async #claimed({ queue, id, receipt }: Claim, change: Change): Promise<boolean> {
    const end = this.#ends.get(receipt) ?? Infinity
    const { clock } = this.#options
    const isChanged = await this.#change(queue, id, (record) =>
      record.state === 'running' && record.receipt === receipt && end > clock.now() ? change(record) : undefined,
    )
    const job = (await this.#options.indexOf(queue)).get(tokenOf(id))
    if (job?.record.receipt !== receipt) this.#ends.delete(receipt)
    return isChanged
  }

  /** Changes a record until the servers accept it. Returns false when `change` returns nothing. */
  async #change(queue: string, id: string, change: Change): Promise<boolean> {
    const { subjects, patience, stream, indexOf, changed } = this.#options
    const index = await indexOf(queue)
    const token = tokenOf(id)
    const subject = subjects.job(queue, id)
    let isRead = false
    for (;;) {
      const job = index.get(token)
      const wanted = job && change(job.record)
      if (job !== undefined && wanted !== undefined) {
        const record = wanted.record && { ...wanted.record, order: job.order }
        const keep = wanted.keep === undefined ? {} : { keep: wanted.keep }
        const data = record && encodeJob(record)
        const revision = await stream().write(subject, data, { expected: job.revision, patience, ...keep })
        if (revision !== undefined) {
          index.put(token, revision, record)
          this.#tidy(queue, job, record)
          changed(queue)
          return true
        }
      } else if (isRead) return false
      // What is known may be late.
      const found = await stream().read(subject)
      if (found === undefined) index.forget(token)
      else index.put(token, found.revision, found.data && decodeJob(found.data))
      isRead = true
    }
  }

  /** Removes what nothing refers to any more. */
  #tidy(queue: string, { record: former, line }: IndexedJob, next: JobRecord | undefined): void {
    const { subjects, patience, stream } = this.#options
    const about = this.#about(queue)
    const values = [former.body, former.progress].filter((kept) => kept !== next?.body && kept !== next?.progress)
    const isLarge = values.some((kept) => kept !== undefined && 'value' in kept)
    const work: Promise<unknown>[] = isLarge ? [dropBytes(stream(), values, about)] : []
    if (line !== undefined && line.unfinished === 0 && line.revision > 0 && line.holders.length > 0)
      work.push(stream().write(subjects.key(queue, line.key), undefined, { expected: line.revision, patience }))
    for (const each of work) {
      const settled = each.catch(() => undefined).finally(() => this.#tidying.delete(settled))
      this.#tidying.add(settled)
    }
  }

  #about(queue: string) {
    const { subjects, patience } = this.#options
    return { subjects, queue, patience }
  }
}
