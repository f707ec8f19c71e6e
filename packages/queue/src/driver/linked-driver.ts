/** Jobs that the thread of the link keeps: the kernel passes each call to it. */
import { errorFromWire, startTimer, stopTimer, type Timer, unavailable } from '@troupe/core'
import type { Kernel } from '@troupe/process/kernel'
import { z } from 'zod'
import type { JobCall, JobCommand, JobOutcome } from '../link-protocol.ts'
import { linkRequests } from '../request-rules.ts'
import type { Claim, JobError, NewJob, QueueDriver, Reservation } from './driver.ts'
import { countsValue, deliveriesValue, jobValue, jobsValue, publishedValue } from './driver-values.ts'
import { ReadyQueues } from './ready-queues.ts'

interface Pending {
  readonly command: JobCommand
  readonly timer: Timer
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Milliseconds that a call may take: the link itself gives up earlier. */
const patience = 20_000
const mostTogether = 256
const isDone = z.boolean()
const time = z.number().optional()
const nothing = z.undefined()

export class LinkedDriver implements QueueDriver {
  readonly #pending = new Map<number, Pending>()
  readonly #ready = new ReadyQueues()
  #unsent: JobCommand[] = []
  #poll: ((commands: readonly JobCommand[]) => void) | undefined
  #link: string | undefined
  #last = 0

  /** Handles the requests of the link. */
  static of(kernel: Kernel): LinkedDriver {
    const driver = new LinkedDriver()
    kernel.handle('jobCommands', linkRequests.jobCommands, async (_, { record }) => driver.commands(record.pid))
    kernel.handle('jobOutcomes', linkRequests.jobOutcomes, ({ outcomes, ready }) => {
      driver.settle(outcomes, ready)
    })
    return driver
  }

  async publish(job: NewJob, limit: number) {
    const published = publishedValue.parse(await this.#call({ name: 'publish', args: [job, limit] }))
    // The link reports only queues of which jobs are taken.
    this.#ready.emit(job.queue)
    return published
  }

  async reserve(queue: string, reservation: Reservation) {
    return deliveriesValue.parse(await this.#call({ name: 'reserve', args: [queue, reservation] }))
  }

  async acknowledge(claim: Claim, result: Uint8Array | undefined, keep: number) {
    return isDone.parse(await this.#call({ name: 'acknowledge', args: [claimOf(claim), result, keep] }))
  }

  async retry(claim: Claim, error: JobError, delay: number) {
    return isDone.parse(await this.#call({ name: 'retry', args: [claimOf(claim), error, delay] }))
  }

  async bury(claim: Claim, error: JobError) {
    return isDone.parse(await this.#call({ name: 'bury', args: [claimOf(claim), error] }))
  }

  async release(claim: Claim, delay: number) {
    return isDone.parse(await this.#call({ name: 'release', args: [claimOf(claim), delay] }))
  }

  async progress(claim: Claim, value: Uint8Array, ackWait: number) {
    return isDone.parse(await this.#call({ name: 'progress', args: [claimOf(claim), value, ackWait] }))
  }

  async extend(claim: Claim, ackWait: number) {
    return isDone.parse(await this.#call({ name: 'extend', args: [claimOf(claim), ackWait] }))
  }

  async nextDue(queue: string) {
    return time.parse(await this.#call({ name: 'nextDue', args: [queue] }))
  }

  async job(queue: string, id: string) {
    return jobValue.optional().parse(await this.#call({ name: 'job', args: [queue, id] }))
  }

  async counts(queue: string) {
    return countsValue.parse(await this.#call({ name: 'counts', args: [queue] }))
  }

  async waitingSince(queue: string) {
    return time.parse(await this.#call({ name: 'waitingSince', args: [queue] }))
  }

  async dead(queue: string, limit: number, after?: string) {
    return jobsValue.parse(await this.#call({ name: 'dead', args: [queue, limit, after] }))
  }

  async replay(queue: string, id: string) {
    return isDone.parse(await this.#call({ name: 'replay', args: [queue, id] }))
  }

  async drop(queue: string, id: string) {
    return isDone.parse(await this.#call({ name: 'drop', args: [queue, id] }))
  }

  async schema(queue: string, schema: string) {
    return z
      .string()
      .optional()
      .parse(await this.#call({ name: 'schema', args: [queue, schema] }))
  }

  async queues() {
    return z.array(z.string()).parse(await this.#call({ name: 'queues', args: [] }))
  }

  async forget(queue: string) {
    nothing.parse(await this.#call({ name: 'forget', args: [queue] }))
  }

  onReady(queue: string, listener: () => void): Disposable {
    return this.#ready.on(queue, listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#rejectAll('the application stops')
  }

  async #call(call: JobCall): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#last += 1
    const number = this.#last
    const command = { ...call, number }
    const timer = startTimer(() => {
      this.#unsent = this.#unsent.filter((each) => each.number !== number)
      this.#settle({ number }, 'the link of the cluster does not reply')
    }, patience)
    this.#pending.set(number, { command, timer, resolve, reject })
    this.#unsent.push(command)
    this.#send()
    return promise
  }

  /** What the link has done, and queues of which jobs may be ready. */
  settle(outcomes: readonly JobOutcome[], ready: readonly string[]): void {
    for (const outcome of outcomes) this.#settle(outcome)
    for (const queue of ready) this.#ready.emit(queue)
  }

  /** What the link is to do. @param link - Identifies it: another one knows nothing of the commands of the former. */
  async commands(link: string): Promise<readonly JobCommand[]> {
    if (this.#link !== link) {
      this.#link = link
      const unsent = new Set(this.#unsent.map(({ number }) => number))
      for (const { command } of this.#pending.values())
        if (!unsent.has(command.number)) this.#settle(command, 'the link of the cluster has ended')
    }
    this.#poll?.([])
    const { promise, resolve } = Promise.withResolvers<readonly JobCommand[]>()
    this.#poll = resolve
    this.#send()
    return promise
  }

  #send(): void {
    if (this.#poll === undefined || this.#unsent.length === 0) return
    this.#poll(this.#unsent.splice(0, mostTogether))
    this.#poll = undefined
  }

  #settle({ number, value, error }: JobOutcome, trouble?: string): void {
    const pending = this.#pending.get(number)
    if (pending === undefined) return
    this.#pending.delete(number)
    stopTimer(pending.timer)
    if (trouble !== undefined) pending.reject(unavailable(`${trouble}: it is not known whether this change was kept`))
    else if (error === undefined) pending.resolve(value)
    else pending.reject(errorFromWire(error))
  }

  #rejectAll(reason: string): void {
    this.#unsent = []
    for (const number of this.#pending.keys()) this.#settle({ number }, reason)
  }
}

/** Of a delivery, the link needs no body. */
function claimOf({ queue, id, receipt }: Claim): Claim {
  return { queue, id, receipt }
}
