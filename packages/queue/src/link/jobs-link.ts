/** Keeps the jobs of a cluster in the thread of the link: does what the kernel asks for, over its connection. */
import { jobsStreamOf, jobsSubjectOf, type LinkAccess } from '@troupe/cluster/link'
import { asTroupeError, type Backoff, backoffDelay, errorToWire, startTimer, stopTimer, type Timer } from '@troupe/core'
import type { NatsConnection } from '@nats-io/transport-node'
import { JetStreamDriver } from '../jetstream/jetstream-driver.ts'
import { JobStream } from '../jetstream/job-stream.ts'
import type { IndexClock } from '../jetstream/queue-index.ts'
import type { JobCommand, JobOutcome } from '../link-protocol.ts'
import { perform } from './perform.ts'

const delays: Backoff = { initial: 250, max: 10_000, jitter: 0.1 }
/** What the outcomes of one message may cost the kernel, of {@link costOf}. */
const mostCost = 1_000

/** The kernel, as the link sees it. */
export interface JobsKernel {
  /** Resolves with commands, as soon as there are some. */
  commands(): Promise<readonly JobCommand[]>
  settle(outcomes: readonly JobOutcome[], ready: readonly string[]): Promise<void>
}

export interface JobsLinkOptions {
  readonly access: LinkAccess
  readonly kernel: JobsKernel
  /** @default the machine's */
  readonly clock?: IndexClock
}

const machineClock: IndexClock = { now: () => performance.now(), date: () => Date.now() }

function isNatsConnection(connection: object): connection is NatsConnection {
  return 'subscribe' in connection && 'request' in connection
}

export class JobsLink implements AsyncDisposable {
  readonly #access: LinkAccess
  readonly #kernel: JobsKernel
  readonly #driver: JetStreamDriver
  readonly #listening = new Map<string, Disposable>()
  readonly #ready = new Set<string>()
  readonly #outcomes: JobOutcome[] = []
  #connection: NatsConnection | undefined
  #timer: Timer | undefined
  #isWanted = false
  #opening: Promise<void> | undefined
  #isOpen = false
  #isFlushing = false
  #isOver = false
  #failure: Error | undefined

  constructor({ access, kernel, clock = machineClock }: JobsLinkOptions) {
    this.#access = access
    this.#kernel = kernel
    this.#driver = new JetStreamDriver({
      ...{ prefix: jobsSubjectOf(access.cluster), clock },
      isMember: () => access.isMember(),
    })
    access.onConnection((given) => {
      const connection = given !== undefined && isNatsConnection(given) ? given : undefined
      stopTimer(this.#timer)
      this.#connection = connection
      this.#isOpen = false
      this.#driver.use(undefined)
      if (connection !== undefined) void this.#follow(connection)
      if (this.#isWanted) void this.#open()
    })
    void this.#listen()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    stopTimer(this.#timer)
    await this.#driver[Symbol.asyncDispose]()
  }

  /** Records that changed while the connection was broken are read again. */
  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status())
      if (type === 'reconnect' && this.#connection === connection && this.#isOpen) {
        this.#isOpen = false
        void this.#open()
      }
  }

  /** The stream is opened when the first queue is used. */
  async #open(attempt = 0): Promise<void> {
    this.#isWanted = true
    if (this.#isOpen || this.#isOver) return
    this.#opening ??= this.#openOnce(attempt).finally(() => {
      this.#opening = undefined
    })
    await this.#opening
  }

  async #openOnce(attempt: number): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return
    const { cluster, replicas } = this.#access
    try {
      const about = { name: jobsStreamOf(cluster), prefix: jobsSubjectOf(cluster), replicas }
      const stream = await JobStream.open(connection, about)
      if (this.#connection === connection) this.#driver.use(stream)
      this.#isOpen = this.#connection === connection
      this.#failure = undefined
    } catch (error) {
      this.#failure = asTroupeError(error)
    }
    stopTimer(this.#timer)
    if (!this.#isOpen) this.#timer = startTimer(() => void this.#open(attempt + 1), backoffDelay(delays, attempt + 1))
  }

  async #listen(): Promise<void> {
    while (!this.#isOver) for (const command of await this.#kernel.commands()) void this.#do(command)
  }

  async #do(command: JobCommand): Promise<void> {
    const { number } = command
    try {
      if (!this.#isOpen) await this.#open()
      if (!this.#isOpen && this.#failure !== undefined) throw this.#failure
      this.#listenTo(command)
      this.#settle({ number, value: await perform(this.#driver, command) })
    } catch (error) {
      this.#settle({ number, error: errorToWire(asTroupeError(error)) })
    }
  }

  #listenTo({ name, args }: JobCommand): void {
    const [queue] = args
    if (name !== 'reserve' || typeof queue !== 'string' || this.#listening.has(queue)) return
    const listening = this.#driver.onReady(queue, () => {
      this.#ready.add(queue)
      this.#flush()
    })
    this.#listening.set(queue, listening)
  }

  #settle(outcome: JobOutcome): void {
    this.#outcomes.push(outcome)
    this.#flush()
  }

  /** What happens in one turn is one message. */
  #flush(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(() => {
      this.#isFlushing = false
      const outcomes: JobOutcome[] = []
      for (let cost = 0; cost < mostCost; ) {
        const outcome = this.#outcomes.shift()
        if (outcome === undefined) break
        outcomes.push(outcome)
        cost += costOf(outcome)
      }
      const ready = [...this.#ready]
      this.#ready.clear()
      // The application stops: nothing waits for it any more.
      this.#kernel.settle(outcomes, ready).catch(() => undefined)
      if (this.#outcomes.length > 0) this.#flush()
    })
  }
}

function costOf({ value }: JobOutcome): number {
  return Array.isArray(value) ? value.length + 1 : 1
}
