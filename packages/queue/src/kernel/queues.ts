/** The queues of an application: handles the requests of threads about them, and starts their consumers. */
import { randomUUID } from 'node:crypto'
import {
  asTroupeError,
  type Calendar,
  type EntryId,
  invalid,
  type Log,
  notFound,
  systemClock,
  unavailable,
} from '@troupe/core'
import type { Functions } from '@troupe/functions/kernel'
import {
  checkCrossing,
  checkEncodable,
  type Kernel,
  type Requester,
  type ServiceDefinition,
} from '@troupe/process/kernel'
import type { Claim, KeptJob, QueueDriver } from '../driver/driver.ts'
import { LinkedDriver } from '../driver/linked-driver.ts'
import { consumerKind, type QueueFields, queueKind } from '../kinds.ts'
import { payloadSchema } from '../payload-schema.ts'
import type { JobView, PublishRequest } from '../protocol.ts'
import type { DeadJob, ObservedQueue } from './observed-queue.ts'
import { queueRequests } from '../request-rules.ts'
import type { Consumer } from './consumer.ts'
import { contextOf, readBody, writeBody } from './job-body.ts'
import { checkSize, keptValue, readValue } from './kept-values.ts'
import { noteQueue, noteQueues } from './queue-schemas.ts'

export interface QueuesOptions {
  readonly kernel: Kernel
  readonly functions: Functions
  /** The file of jobs. */
  readonly file: string
  /** Its size in bytes beyond which no more jobs are kept. @default no limit */
  readonly maxBytes?: number | undefined
  /** What a power cut may lose. @default `full`: nothing */
  readonly synchronous?: 'full' | 'normal'
  /** Whether the jobs are those of a cluster, so that its servers keep them. @default false */
  readonly isClustered?: boolean
  readonly log: Log
  /** @default the system's */
  readonly clock?: Calendar
}

/** Number of dead jobs in one reply. */
const mostListed = 1_000
const highestPriority = 9

export class Queues implements AsyncDisposable {
  readonly #options: QueuesOptions
  readonly #consumers = new Set<Consumer>()
  readonly #linked: LinkedDriver | undefined
  #name: string | undefined
  #opening: Promise<QueueDriver> | undefined
  #isClosed = false

  /** Names this run of the application. */
  get #run(): string {
    this.#name ??= randomUUID()
    return this.#name
  }

  constructor(options: QueuesOptions) {
    this.#options = options
    const { kernel, isClustered = false } = options
    // The link asks for commands as soon as it runs.
    if (isClustered) this.#linked = LinkedDriver.of(kernel)
    kernel.handle('publishJob', queueRequests.publishJob, async (ask, requester) => this.#publish(ask, requester))
    kernel.handle('jobProgress', queueRequests.jobProgress, async (ask) => this.#progress(ask))
    kernel.handle('getJob', queueRequests.getJob, async ({ queue, id }, by) => {
      const job = await (await this.#permitted(by, 'queue.get', queue)).job(queue, id)
      return job && viewOf(job)
    })
    kernel.handle('countJobs', queueRequests.countJobs, async ({ queue }, by) =>
      (await this.#permitted(by, 'queue.get', queue)).counts(queue),
    )
    kernel.handle('deadJobs', queueRequests.deadJobs, async ({ queue, limit, after }, by) => {
      const driver = await this.#permitted(by, 'queue.get', queue)
      return (await driver.dead(queue, Math.min(limit, mostListed), after)).map(viewOf)
    })
    kernel.handle('replayJob', queueRequests.replayJob, async ({ queue, id }, by) =>
      (await this.#permitted(by, 'queue.replay', queue)).replay(queue, id),
    )
    kernel.handle('dropJob', queueRequests.dropJob, async ({ queue, id }, by) =>
      (await this.#permitted(by, 'queue.drop', queue)).drop(queue, id),
    )
  }

  /** Reports queues whose schema has changed while they keep jobs, and those that are gone. */
  async begin(): Promise<void> {
    const { kernel, log } = this.#options
    if (kernel.registry.find({ kind: queueKind.kind }).length === 0) return
    try {
      await noteQueues({ registry: kernel.registry, driver: await this.#open(), log, isShared: this.#isShared })
    } catch (error) {
      log(`the jobs of queues cannot be read: ${asTroupeError(error).message}`, { level: 'error' })
    }
  }

  /** Reports the same of a queue whose entry was created, changed or deleted. */
  async changed(id: EntryId): Promise<void> {
    const { kernel, log } = this.#options
    try {
      await noteQueue({ registry: kernel.registry, driver: await this.#open(), log, isShared: this.#isShared }, id)
    } catch (error) {
      log(`${id}: its jobs cannot be read: ${asTroupeError(error).message}`, { level: 'error' })
    }
  }

  /** What each queue keeps. One that cannot be read is not among them: its users got the error. */
  async observe(): Promise<readonly ObservedQueue[]> {
    const ids = this.#options.kernel.registry.find({ kind: queueKind.kind }).map(({ id }) => id)
    if (ids.length === 0) return []
    try {
      const driver = await this.#open()
      return await Promise.all(
        ids.map(async (queue) => {
          const [jobs, oldest] = [await driver.counts(queue), await driver.waitingSince(queue)]
          return { queue, jobs, waitingSince: oldest }
        }),
      )
    } catch {
      return []
    }
  }

  /**
   * Dead jobs for an operator, whom no policy restricts: the oldest first, without what is in them.
   *
   * @throws TroupeError `NotFound`, and what opening the file throws.
   */
  async deadJobs(queue: EntryId): Promise<readonly DeadJob[]> {
    this.#queue(queue)
    const driver = await this.#open()
    const jobs: DeadJob[] = []
    while (jobs.length < mostListed) {
      const page = await driver.dead(queue, mostListed - jobs.length, jobs.at(-1)?.id)
      if (page.length === 0) break
      for (const { id, key, priority, attempts, published, due, errors } of page)
        jobs.push({ id, key, priority, attempts, published, died: due, errors })
    }
    return jobs
  }

  /**
   * Lets a dead job run again, or removes it, for an operator.
   *
   * @throws TroupeError `NotFound` when there is no such queue or dead job; `Unavailable`.
   */
  async decide(what: 'replay' | 'drop', queue: EntryId, id: string): Promise<void> {
    this.#queue(queue)
    const driver = await this.#open()
    if (!(await driver[what](queue, id)))
      throw notFound(`${queue} has no dead job "${id}": "troupe dead-jobs list ${queue}" lists them`, { queue, id })
  }

  /** The consumers of the application. */
  services(): readonly ServiceDefinition[] {
    return this.#options.kernel.registry.find({ kind: consumerKind.kind }).map(({ id }) => this.service(id))
  }

  /** A consumer as a service. */
  service(id: EntryId): ServiceDefinition {
    const { fields, entry, meta } = this.#options.kernel.registry.decode(id, consumerKind)
    const { lifecycle } = fields
    return {
      id,
      kind: entry.kind,
      lifecycle,
      autoStart: lifecycle.autoStart,
      followsDefault: meta.options?.network === undefined,
      start: async () => this.#start(id),
    }
  }

  async #start(id: EntryId): Promise<Consumer> {
    const { kernel, functions, log, clock = systemClock } = this.#options
    const driver = await this.#open()
    const { Consumer: Started } = await import('./consumer.ts')
    const consumer = new Started(id, { kernel, functions, driver, log, clock, run: this.#run })
    this.#consumers.add(consumer)
    void consumer.ended.then(() => this.#consumers.delete(consumer))
    return consumer
  }

  async #publish(ask: PublishRequest, by: Requester): Promise<{ readonly id: string; readonly isDuplicate: boolean }> {
    const { kernel, clock = systemClock } = this.#options
    const { queue, payload, delay, priority, key, inherit, id = randomUUID() } = ask
    kernel.authorizer.checkFrame('queue', by.record, { choice: {}, inherit })
    const driver = await this.#permitted(by, 'queue.publish', queue)
    const { schema, maxJobs } = this.#queue(queue)
    for (const [path, text] of Object.entries({ id, key: key ?? '' }))
      if (!text.isWellFormed()) throw invalid(`${path}: it is not well-formed Unicode`, { path })
    if (id === '') throw invalid('id: it is empty', { path: 'id' })
    if (!Number.isFinite(delay) || delay < 0) throw invalid('delay: it is no number of milliseconds', { path: 'delay' })
    if (priority > highestPriority) throw invalid('priority: expected 0 to 9', { path: 'priority' })
    checkCrossing(payload, 'payload')
    checkEncodable(payload, 'payload')
    if (schema !== undefined) checkPayload(queue, schema, payload)
    const body = writeBody({ payload, context: contextOf(kernel, this.#run, by, inherit) })
    checkSize(body, 'payload')
    return driver.publish({ queue, id, body, priority, key, due: clock.date() + delay }, maxJobs)
  }

  async #progress({ value, ...claim }: Claim & { readonly value: unknown }): Promise<boolean> {
    checkCrossing(value, 'value')
    const bytes = keptValue(value, 'value')
    for (const consumer of this.#consumers) if (await consumer.progress(claim, bytes)) return true
    return false
  }

  /** Returns the store. @throws TroupeError `PermissionDenied`, `NotFound`, and what {@link #open} throws. */
  async #permitted({ record }: Requester, action: string, queue: EntryId): Promise<QueueDriver> {
    const { authorizer } = this.#options.kernel
    if (authorizer.governs(record)) authorizer.check(record, action, queue)
    this.#queue(queue)
    return this.#open()
  }

  get #isShared(): boolean {
    return this.#linked !== undefined
  }

  #queue(id: EntryId): QueueFields {
    const { registry } = this.#options.kernel
    if (!registry.has(id) || registry.get(id).kind !== queueKind.kind)
      throw notFound(`there is no queue ${id}: it needs an entry of the kind ${queueKind.kind}`, { queue: id })
    return registry.decode(id, queueKind).fields
  }

  /** Loaded and opened when the first queue is used. */
  async #open(): Promise<QueueDriver> {
    if (this.#isClosed) throw unavailable('the application stops: its queues are closed')
    this.#opening ??= this.#opened()
    this.#opening.catch(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #opened(): Promise<QueueDriver> {
    if (this.#linked !== undefined) return this.#linked
    const { file, maxBytes, synchronous, clock = systemClock } = this.#options
    const { SqliteDriver } = await import('../driver/sqlite-driver.ts')
    return SqliteDriver.open({ file, clock, maxBytes, synchronous })
  }

  /** Call it when the consumers have stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const driver = await this.#opening?.catch(() => undefined)
    await driver?.[Symbol.asyncDispose]()
  }
}

function checkPayload(queue: EntryId, schema: NonNullable<QueueFields['schema']>, payload: unknown): void {
  const { error } = payloadSchema(schema).safeParse(payload)
  const [issue] = error?.issues ?? []
  if (issue === undefined) return
  const path = ['payload', ...issue.path.map(String)].join('.')
  throw invalid(`${path}: ${issue.message} (the schema of ${queue})`, { path, queue })
}

function viewOf({ body, progress, result, ...job }: KeptJob): JobView {
  return { ...job, payload: payloadOf(body), progress: readValue(progress), result: readValue(result) }
}

/** That of a job that is done is not kept, and a damaged one cannot be read. */
function payloadOf(body: Uint8Array): unknown {
  try {
    return body.length === 0 ? undefined : readBody(body).payload
  } catch {
    return undefined
  }
}
