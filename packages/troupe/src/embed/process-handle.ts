/** A process that the program around an application started. */
import {
  type AnyMessages,
  bounded,
  type CallTopicOf,
  parseDuration,
  type Pid,
  type ReplyOf,
  type SendArguments,
  type TopicOf,
  TroupeError,
} from '@troupe/core'
import { type Exit, type ProcessCallOptions, processes, type SendOptions } from '@troupe/process'
import { EventEmitter } from 'node:events'
import { Protocol } from '../messages/protocol.ts'

/** Milliseconds that a process has to end after it was asked to. */
const patience = 10_000

/** A pid without messages where none are declared. */
export type HandlePid<Messages> = string extends TopicOf<Messages> ? Pid : Pid<Messages>

/** Options of {@link ProcessHandle.stop}. */
export interface StopOptions {
  /** How long the process may take to end by itself: milliseconds, or a duration such as `5s`. @default 10s */
  readonly timeout?: number | string
}

/** Runs a function in the application of a process. */
type Run = <T>(fn: () => T) => T

interface ProcessOfProgram<Messages extends object> {
  readonly pid: HandlePid<Messages>
  readonly exited: Promise<Exit>
  readonly run: Run
  readonly messages: Messages | undefined
}

/**
 * A process, for code outside of processes. Emits `exit` once, with how the process ended; a listener that is added
 * later is not called: `exited` also settles later.
 */
export class ProcessHandle<Messages extends object = AnyMessages>
  extends EventEmitter<{ exit: [exit: Exit] }>
  implements AsyncDisposable
{
  /** With the messages that were declared to `app.spawn`. */
  readonly pid: HandlePid<Messages>
  /** Resolves when the process has ended, or its application has stopped. */
  readonly exited: Promise<Exit>
  readonly #protocol: Protocol | undefined

  readonly #run: Run

  /** Use `app.spawn`. */
  constructor({ pid, exited, run, messages }: ProcessOfProgram<Messages>) {
    super()
    this.pid = pid
    this.#run = run
    this.#protocol = messages && new Protocol(messages)
    this.exited = exited
    void exited.then((exit) => this.emit('exit', exit))
  }

  /**
   * Sends a message. Throws like `processes.send`; TroupeError `Invalid` for what the messages of the process do not
   * allow, if they were given to `app.spawn`.
   *
   * @example
   * ```ts
   * const crawler = await app.spawn(new URL('./crawler.ts', import.meta.url))
   * await crawler.send('visit', 'https://example.org/')
   * ```
   */
  async send<Topic extends TopicOf<Messages>>(
    topic: Topic,
    ...[payload, options]: SendArguments<Messages, Topic, SendOptions>
  ): Promise<void> {
    await this.#protocol?.payload(topic, payload)
    const to: string = this.pid
    await this.#run(async () => processes.send(to, topic, payload, options))
  }

  /**
   * Sends a message and waits for its reply. Throws like `processes.call`; TroupeError `Invalid` for what the messages
   * of the process do not allow, if they were given to `app.spawn`.
   *
   * @example
   * ```ts
   * const crawler = await app.spawn(new URL('./crawler.ts', import.meta.url))
   * console.log(await crawler.call('status', undefined, { timeout: '5s' }))
   * ```
   */
  async call<Topic extends CallTopicOf<Messages>>(
    topic: Topic,
    ...[payload, options]: SendArguments<Messages, Topic, ProcessCallOptions>
  ): Promise<ReplyOf<Messages, Topic>> {
    await this.#protocol?.payload(topic, payload)
    const to: string = this.pid
    const reply = await this.#run(async () => processes.call(to, topic, payload, options))
    const checked: unknown = this.#protocol === undefined ? reply : await this.#protocol.reply(topic, reply)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the messages of the process say
    return checked as ReplyOf<Messages, Topic>
  }

  /**
   * Asks the process to stop, and ends it if it has not ended in time. Returns how it ended; also when it had ended
   * before.
   *
   * @example
   * ```ts
   * const crawler = await app.spawn(new URL('./crawler.ts', import.meta.url))
   * const exit = await crawler.stop({ timeout: '2s' })
   * ```
   */
  async stop({ timeout = patience }: StopOptions = {}): Promise<Exit> {
    const ms = typeof timeout === 'string' ? parseDuration(timeout) : timeout
    await this.#run(async () => processes.cancel(this.pid, 'its program stops it')).catch(ignoreEnded)
    const late = new TroupeError('Timeout', `${this.pid} did not stop in ${ms} ms`)
    try {
      return await bounded(this.exited, { ms }, () => late)
    } catch (error) {
      if (error !== late) throw error
    }
    await this.#run(async () => processes.terminate(this.pid)).catch(ignoreEnded)
    return this.exited
  }

  /** Stops the process, like {@link ProcessHandle.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** The process, or the whole application, has ended in the meantime. */
function ignoreEnded(error: unknown): void {
  const ended = error instanceof TroupeError && ['NotFound', 'Unavailable', 'Invalid'].includes(error.kind)
  if (!ended) throw error
}
