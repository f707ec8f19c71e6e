/** A running `process.schedule`. */
import { asTroupeError, type Calendar, type EntryId, type Log, type LogLevel, unavailable } from '@troupe/core'
import { serviceKind } from '../config/kinds.ts'
import { nextRun, scheduleKind } from '../config/schedule-kind.ts'
import type { Delivered } from '../kernel/deliveries.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { clearNetwork } from '../kernel/network/networks.ts'
import { snapshot } from '../mailbox/payload.ts'
import { serviceFrame } from '../service/service-frame.ts'
import type { Running } from '../service/service-instance.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import { attempts, DueTimer, retryDelay } from './due-timer.ts'
import type { LaterMessage } from './later-message.ts'
import type { LaterStore } from './later-store.ts'

/** Number of messages with `overlap: queue` that may wait for room in the mailbox. */
const mostWaiting = 100
/** A clock that is set back by less, in milliseconds, does not repeat the times of a `cron`. */
const smallCorrection = 3_600_000

export interface ScheduleOptions {
  readonly kernel: Kernel
  readonly clock: Calendar
  readonly log: Log
  readonly store: LaterStore | undefined
}

/** Starts a schedule. @throws TroupeError `Conflict`, `Unavailable` when the file of a durable one cannot be opened. */
export async function startSchedule(id: EntryId, options: ScheduleOptions): Promise<Running> {
  const schedule = new Schedule(id, options)
  await schedule.begin()
  return schedule
}

class Schedule implements Running {
  readonly ended: Promise<Exit>
  readonly #end: (exit: Exit) => void
  readonly #id: EntryId
  readonly #options: ScheduleOptions
  #timer: DueTimer | undefined
  /** Messages that were sent and are not handled yet. */
  #underWay = 0
  #skipped = 0
  /** Of messages that could not be sent. */
  readonly #retries = new Set<DueTimer>()
  #isStopped = false

  constructor(id: EntryId, options: ScheduleOptions) {
    const { promise, resolve } = Promise.withResolvers<Exit>()
    this.ended = promise
    this.#end = resolve
    this.#id = id
    this.#options = options
  }

  async begin(): Promise<void> {
    const { clock, store } = this.#options
    const fields = this.#fields()
    const now = clock.date()
    if (!fields.durable) {
      this.#wait(nextRun(fields, now), now)
      return
    }
    if (store === undefined) throw unavailable(`${this.#id} is durable, and this application keeps no messages`)
    const kept = await store.nextRun(this.#key)
    // Missed while the application did not run: once, however often that was.
    if (kept !== undefined && kept <= now) this.#log(`sends now what was missed at ${dateOf(kept)}`)
    this.#wait(kept === undefined ? nextRun(fields, now) : this.#corrected(kept), now)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.[Symbol.dispose]()
    for (const timer of this.#retries) timer[Symbol.dispose]()
    this.#end({ value: undefined })
  }

  #wait(at: number | undefined, last: number): void {
    if (at === undefined) {
      this.#log('has no further time')
      this.#end({ value: undefined })
      return
    }
    this.#keep(at)
    const { clock } = this.#options
    const due = () => {
      this.#guard(() => {
        this.#due(at, last)
      })
    }
    this.#timer = new DueTimer(clock, { at }, due, () => {
      let isRight = true
      this.#guard(() => {
        const corrected = this.#corrected(at)
        isRight = corrected === at
        if (!isRight) this.#wait(corrected, clock.date())
      })
      return isRight
    })
  }

  /** The next time, unless it is later than any can be: the clock was wrong when it was calculated. */
  #corrected(next: number): number {
    const fields = this.#fields()
    const now = this.#options.clock.date()
    const latest = nextRun(fields, fields.every === undefined ? now + smallCorrection : now) ?? next
    if (next <= latest) return next
    const corrected = nextRun(fields, now) ?? next
    this.#log(`was to run at ${dateOf(next)}: the clock was set back, and it runs at ${dateOf(corrected)}`)
    return corrected
  }

  /** Without the file, the schedule continues in this run. */
  #keep(at: number): void {
    const key = this.#key
    if (!this.#fields().durable) return
    try {
      this.#options.store?.setNextRun(key, at)
    } catch (error) {
      this.#log(`cannot keep its next time, ${dateOf(at)}: ${asTroupeError(error).message}`, 'error')
    }
  }

  /** What a timer does. An error, because the entry was deleted for example, ends the schedule. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (cause) {
      const error = asTroupeError(cause)
      this.#timer?.[Symbol.dispose]()
      this.#log(`ends: ${error.message}`, 'warn')
      this.#end({ error })
    }
  }

  #due(at: number, last: number): void {
    const fields = this.#fields()
    const now = this.#options.clock.date()
    // Further times that passed meanwhile, while the machine slept for example, are left out.
    this.#wait(nextRun(fields, now, fields.every === undefined ? now : Math.max(at, last)), at)
    if (this.#isStopped) return
    const isLate = fields.overlap === 'skip' ? this.#underWay > 0 : this.#underWay >= mostWaiting
    if (isLate) {
      this.#skipped += 1
      this.#log(`skips ${dateOf(at)}: the message before is not handled yet (${this.#skipped} skipped)`)
      return
    }
    void this.#send()
  }

  async #send(): Promise<void> {
    this.#underWay += 1
    try {
      const { handled, topic } = await this.#delivered(1)
      await handled
      this.#options.log(`${this.#id}: "${topic}" is handled`, { level: 'debug' })
    } catch (cause) {
      const { kind, message: words } = asTroupeError(cause)
      if (!this.#isStopped) this.#log(`was not sent: ${kind}: ${words}`, 'warn')
    } finally {
      this.#underWay -= 1
    }
  }

  /** The service may be restarting: what is durable waits for it. */
  async #delivered(attempt: number): Promise<Delivered & Pick<LaterMessage, 'topic'>> {
    const { clock, kernel } = this.#options
    const message = this.#message()
    try {
      this.#log(`sends "${message.topic}"`, 'debug')
      const { handled } = await kernel.deliveries.deliver(message)
      return { handled, topic: message.topic }
    } catch (error) {
      const isFinal = this.#isStopped || !this.#fields().durable || attempt >= attempts
      if (isFinal || asTroupeError(error).kind === 'PermissionDenied') throw error
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = new DueTimer(clock, { in: retryDelay(attempt) }, resolve)
      this.#retries.add(timer)
      await promise
      this.#retries.delete(timer)
      return this.#delivered(attempt + 1)
    }
  }

  #message(): LaterMessage {
    const { kernel } = this.#options
    const { meta, fields } = kernel.registry.decode(this.#id, scheduleKind)
    const service = kernel.registry.decode(fields.to, serviceKind).fields
    const frame = serviceFrame(kernel.security, fields.lifecycle, meta.options?.network)
    const overlay = kernel.networks.overlayOf(frame)
    return {
      to: service.name ?? fields.to,
      topic: fields.topic,
      payload: snapshot(fields.payload),
      from: kernel.runtime.root.pid,
      acting: frame,
      frame,
      network: overlay === null ? clearNetwork : kernel.networks.ofProcess(frame),
    }
  }

  /** A schedule with other times has a new start. */
  get #key(): string {
    const { cron, every, timeZone } = this.#fields()
    return JSON.stringify([this.#id, cron, every, timeZone])
  }

  #fields() {
    return this.#options.kernel.registry.decode(this.#id, scheduleKind).fields
  }

  #log(words: string, level: LogLevel = 'info'): void {
    this.#options.log(`${this.#id} ${words}`, { level })
  }
}

function dateOf(time: number): string {
  return new Date(time).toISOString()
}
