/** A running `queue.consumer`: takes jobs of its queue, runs them, and reports what became of them. */
import {
  asTroupeError,
  backoffDelay,
  type Calendar,
  type EntryId,
  isEntryId,
  type Log,
  type LogLevel,
  TroupeError,
} from '@troupe/core'
import type { Functions } from '@troupe/functions/kernel'
import { DueTimer, type Kernel } from '@troupe/process/kernel'
import type { Claim, Delivery, JobError, QueueDriver } from '../driver/driver.ts'
import { type ConsumerFields, consumerKind, queueKind } from '../kinds.ts'
import { placeOf, readBody } from './job-body.ts'
import { brief, isFinal, jobError } from './job-errors.ts'
import { JobLease } from './job-lease.ts'
import { type JobRunner, runnerOf } from './job-runner.ts'
import { keptValue } from './kept-values.ts'
import { Pauses } from './pauses.ts'

export interface ConsumerOptions {
  readonly kernel: Kernel
  readonly functions: Functions
  readonly driver: QueueDriver
  readonly clock: Calendar
  readonly log: Log
  /** Names the run of the application. */
  readonly run: string
}

/** A job that runs. */
interface Running {
  readonly delivery: Delivery
  readonly abort: AbortController
  readonly lease: JobLease
  /** Whether it was given back, or taken away: its outcome does not matter. */
  isLost: boolean
}

/** Milliseconds to wait when the store cannot be read, or a job cannot be run yet. */
const pause = 1_000

export class Consumer {
  readonly ended: Promise<{ readonly value: undefined }>
  readonly #end: (exit: { readonly value: undefined }) => void
  readonly #id: EntryId
  readonly #options: ConsumerOptions
  readonly #fields: ConsumerFields
  readonly #runner: JobRunner
  readonly #pauses = new Pauses()
  readonly #running = new Map<string, Running>()
  readonly #ends = new Set<Promise<void>>()
  readonly #listening: Disposable
  #timer: DueTimer | undefined
  /** Why it takes no jobs. */
  #trouble: string | undefined
  #taking: Promise<void> | undefined
  #isWanted = false
  #isStopped = false

  constructor(id: EntryId, options: ConsumerOptions) {
    const { promise, resolve } = Promise.withResolvers<{ readonly value: undefined }>()
    this.ended = promise
    this.#end = resolve
    this.#id = id
    this.#options = options
    this.#fields = options.kernel.registry.decode(id, consumerKind).fields
    this.#runner = runnerOf(options.kernel, options.functions, id)
    this.#listening = options.driver.onReady(this.#fields.queue, () => {
      this.#wake()
    })
    this.#wake()
  }

  /** Whether it runs that attempt of a job; then it may do so for `ack_wait` from now on. */
  async progress({ receipt }: Claim, value: Uint8Array): Promise<boolean> {
    const running = this.#running.get(receipt)
    if (running === undefined) return false
    const { ackWait } = this.#fields
    const isKept = await this.#options.driver.progress(running.delivery, value, ackWait)
    if (isKept) running.lease.restart()
    return isKept
  }

  /** Takes no more jobs, and waits for those that run. When `hurry` aborts, it gives them back. */
  async stop(hurry: AbortSignal): Promise<void> {
    this.#isStopped = true
    this.#listening[Symbol.dispose]()
    this.#timer?.[Symbol.dispose]()
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const onHurry = () => {
      resolve()
    }
    hurry.addEventListener('abort', onHurry, { once: true })
    if (hurry.aborted) onHurry()
    await this.#taking
    await Promise.race([late, Promise.all(this.#ends)])
    hurry.removeEventListener('abort', onHurry)
    const back = [...this.#running.values()]
    if (back.length > 0) this.#log(`stops, and gives back ${back.length} jobs that still run`)
    for (const { delivery } of back) {
      const running = this.#lose(delivery, 'its consumer stops')
      if (running !== undefined) await this.#settle('give it back', this.#options.driver.release(delivery, 0))
    }
    await Promise.all(this.#ends)
    this.#end({ value: undefined })
  }

  /** Takes jobs, if there is room and if there are some. */
  #wake(): void {
    this.#isWanted = true
    this.#taking ??= this.#takeAll().finally(() => {
      this.#taking = undefined
      // What came in between.
      if (this.#isWanted && !this.#isStopped) this.#wake()
    })
  }

  async #takeAll(): Promise<void> {
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false
      try {
        await this.#take()
        this.#noteTrouble(undefined)
      } catch (error) {
        this.#noteTrouble(asTroupeError(error).message)
        this.#wakeAt(this.#options.clock.date() + pause)
      }
    }
  }

  /** Logs a change only: while a server is not reached, jobs are asked for again and again. */
  #noteTrouble(trouble: string | undefined): void {
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    if (trouble === undefined) this.#log('takes jobs again', 'info')
    else this.#log(`takes no jobs: ${trouble}`, 'error')
  }

  async #take(): Promise<void> {
    const { driver } = this.#options
    const { queue, concurrency, ackWait, maxAttempts, perKey } = this.#fields
    const room = concurrency - this.#running.size
    if (room <= 0) return
    const jobs = await driver.reserve(queue, { limit: room, ackWait, maxAttempts, perKey })
    for (const job of jobs) {
      if (this.#isStopped) await driver.release(job, 0)
      else this.#begin(job)
    }
    if (jobs.length < room) this.#wakeAt(await driver.nextDue(queue))
  }

  #wakeAt(at: number | undefined): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    if (at === undefined || this.#isStopped) return
    this.#timer = new DueTimer(this.#options.clock, { at }, () => {
      this.#wake()
    })
  }

  #begin(delivery: Delivery): void {
    const abort = new AbortController()
    const running: Running = { delivery, abort, lease: this.#leaseOf(delivery), isLost: false }
    this.#running.set(delivery.receipt, running)
    const end = this.#run(running)
      .catch((error: unknown) => {
        this.#log(`job "${delivery.id}" runs again after its ack_wait: ${asTroupeError(error).message}`, 'error')
      })
      .finally(() => {
        this.#ends.delete(end)
        this.#makeRoom(running)
      })
    this.#ends.add(end)
  }

  /** The job does not run any more. The next one is taken in the write that keeps what became of this one. */
  #makeRoom({ delivery, lease }: Running): void {
    lease[Symbol.dispose]()
    if (this.#running.delete(delivery.receipt)) this.#wake()
  }

  #leaseOf(claim: Claim): JobLease {
    const { clock, driver } = this.#options
    const { ackWait } = this.#fields
    const onLost = () => {
      this.#lose(claim, `it took longer than ${ackWait} ms without progress (ack_wait)`)
      this.#log(`loses job "${claim.id}": it took longer than its ack_wait, and is given to another`, 'warn')
      this.#wake()
    }
    return new JobLease({ clock, driver, claim, ackWait, onLost })
  }

  /** The outcome of a job that runs does not matter any more: its code is asked to stop, and others have room. */
  #lose({ receipt }: Claim, reason: string): Running | undefined {
    const running = this.#running.get(receipt)
    if (running === undefined) return undefined
    running.isLost = true
    running.lease[Symbol.dispose]()
    this.#running.delete(receipt)
    running.abort.abort(new TroupeError('Canceled', reason))
    return running
  }

  async #run(running: Running): Promise<void> {
    const { delivery, abort } = running
    const { driver, kernel, run } = this.#options
    const { queue, id, key, attempt, receipt } = delivery
    // The queue may be gone when the job is done.
    const { keep } = kernel.registry.decode(this.#fields.queue, queueKind).fields
    let payload: unknown
    let place: ReturnType<typeof placeOf>
    try {
      const body = readBody(delivery.body)
      payload = body.payload
      place = placeOf(kernel, run, body.context, this.#runner.pin)
      if (place.frame.overlay) this.#pauses.end(place.frame.overlay)
    } catch (cause) {
      const error = asTroupeError(cause)
      const { overlay } = error.details
      const wait = typeof overlay === 'string' && isEntryId(overlay) ? this.#pauses.next(overlay) : pause
      // Its overlay is starting, or is stopped for now: that is no attempt.
      if (error.retryable) await this.#settle('give it back', driver.release(delivery, wait))
      else await this.#bury(running, error)
      return
    }
    let result: Uint8Array | undefined
    try {
      const job = { queue: this.#fields.queue, id, key, attempt, receipt }
      const value = await this.#runner.run(payload, job, place, {
        signal: abort.signal,
        onGiven: (hasBegun) => {
          running.lease.hasBegun = hasBegun
        },
      })
      result = value === undefined ? undefined : keptValue(value, 'result')
    } catch (cause) {
      if (!running.isLost) await this.#failed(running, asTroupeError(cause))
      return
    }
    const kept = driver.acknowledge(delivery, result, keep)
    this.#makeRoom(running)
    const counts = await this.#settle('keep its result', kept)
    if (counts === true) this.#log(`job "${id}" of ${queue} is done`, 'debug')
    else if (counts === false) this.#log(`job "${id}" of ${queue}: its result came too late, and is refused`, 'warn')
  }

  async #failed(running: Running, error: TroupeError): Promise<void> {
    const { delivery } = running
    const { id, queue, attempt } = delivery
    const { maxAttempts, backoff } = this.#fields
    if (attempt >= maxAttempts || isFinal(error)) {
      await this.#bury(running, error)
      return
    }
    const delay = backoffDelay(backoff, attempt)
    const retried = this.#options.driver.retry(delivery, this.#errorOf(delivery, error), delay)
    this.#makeRoom(running)
    if ((await this.#settle('keep its error', retried)) !== true) return
    this.#log(
      `job "${id}" of ${queue} failed (attempt ${attempt} of ${maxAttempts}), and runs again in ` +
        `${Math.round(delay)} ms: ${error.kind}: ${brief(error)}`,
    )
  }

  async #bury(running: Running, error: TroupeError): Promise<void> {
    const { delivery } = running
    const { id, queue, attempt } = delivery
    const buried = this.#options.driver.bury(delivery, this.#errorOf(delivery, error))
    this.#makeRoom(running)
    if ((await this.#settle('keep its error', buried)) !== true) return
    const about = `job "${id}" of ${queue} is dead after ${attempt} attempts: ${error.kind}: ${brief(error)}`
    this.#log(about, 'warn')
  }

  #errorOf({ attempt }: Delivery, error: TroupeError): JobError {
    return jobError(error, attempt, this.#options.clock.date())
  }

  /** Returns `undefined` for what cannot be kept: the job runs again after its `ack_wait`. */
  async #settle(what: string, change: Promise<boolean>): Promise<boolean | undefined> {
    try {
      return await change
    } catch (error) {
      this.#log(`cannot ${what}, and the job will run again: ${asTroupeError(error).message}`, 'error')
      return undefined
    }
  }

  #log(words: string, level: LogLevel = 'info'): void {
    this.#options.log(`${this.#id}: ${words}`, { level })
  }
}
