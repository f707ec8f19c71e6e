/** The stream of jobs, over one connection: writes that the servers decide, reads at its leader, and watches. */
import { randomUUID } from 'node:crypto'
import {
  type ConsumerMessages,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamClient,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type JsMsg,
  StorageType,
} from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { startTimer, TroupeError, unavailable } from '@troupe/core'
import { type Stored, WatchCheck, type Watcher } from './watch-check.ts'

export interface StreamOptions {
  readonly name: string
  /** The subject under which all of its subjects are. */
  readonly prefix: string
  readonly replicas: number
}

export interface Writing {
  /** The revision that the subject must have; 0 for none. @default any */
  readonly expected?: number
  /** Milliseconds after which the servers remove it. @default never */
  readonly keep?: number
  /** Milliseconds within which the servers must accept it. */
  readonly patience: number
}

type Streams = Awaited<ReturnType<typeof jetstreamManager>>['streams']

/** Marks a removal, and names a write, so that it is recognised after a reply was lost. */
const removal = 'Troupe-Removed'
const writeName = 'Troupe-Write'
/** Milliseconds that one attempt of a write may take. */
const attemptTime = 2_000
const pause = 100
/** Milliseconds for which the servers keep the mark of a removal: watches are never late for so long. */
const markTime = 120_000
const shortestKeep = 1_000
/** Messages that a watch asks for at a time, and milliseconds after which it asks again. */
const fetching = { max_messages: 500, expires: 2_000 }
const watchIdle = 30_000_000_000
/** Of JetStream: replicas are not supported by a server that is alone, or by too few; the name is in use. */
const unsuitable = new Set([10_005, 10_052, 10_058, 10_074])

export class JobStream {
  readonly #client: JetStreamClient
  readonly #streams: Streams
  readonly #name: string

  private constructor(client: JetStreamClient, streams: Streams, name: string) {
    this.#client = client
    this.#streams = streams
    this.#name = name
  }

  /**
   * Opens the stream, and makes it if it does not exist.
   *
   * @throws TroupeError `Invalid`, final, for a stream with another configuration; `Unavailable`.
   */
  static async open(connection: NatsConnection, { name, prefix, replicas }: StreamOptions): Promise<JobStream> {
    try {
      const { streams } = await jetstreamManager(connection)
      const found = await streams.info(name).catch((error: unknown) => {
        if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined
        throw error
      })
      const { config } =
        found ??
        (await streams.add({
          name,
          subjects: [`${prefix}.>`],
          storage: StorageType.File,
          num_replicas: replicas,
          max_msgs_per_subject: 1,
          discard: DiscardPolicy.New,
          allow_msg_ttl: true,
        }))
      const { max_msgs_per_subject: history, num_replicas: copies, storage, max_age: age } = config
      if (history !== 1 || copies !== replicas || storage !== StorageType.File || age !== 0 || !config.allow_msg_ttl)
        throw final(
          `the stream ${name} exists with another configuration: ${history} messages a subject, replicas ${copies}, ` +
            `storage ${storage}, max_age ${age}; expected 1 message, replicas ${replicas}, storage file, no max_age, ` +
            'and a TTL of messages',
        )
      return new JobStream(jetstream(connection), streams, name)
    } catch (error) {
      throw streamError(error, name)
    }
  }

  /**
   * Writes the last message of a subject. Returns its revision; nothing if the subject has another one than expected.
   * Tries again when the servers do not reply, for example while they elect a leader.
   *
   * @param data - `undefined` removes it.
   * @throws TroupeError `Unavailable`: it may have been written.
   */
  async write(subject: string, data: Uint8Array | undefined, writing: Writing): Promise<number | undefined> {
    const { expected, patience, keep = data === undefined ? markTime : undefined } = writing
    const end = performance.now() + patience
    const id = randomUUID()
    const fields = headers()
    fields.set(writeName, id)
    if (data === undefined) fields.set(removal, '1')
    for (let isUnsure = false; ; ) {
      try {
        const { seq } = await this.#client.publish(subject, data, {
          headers: fields,
          timeout: Math.max(1, Math.min(attemptTime, end - performance.now())),
          retries: 1,
          ...(expected !== undefined && { expect: { lastSubjectSequence: expected } }),
          ...(keep !== undefined && { ttl: `${Math.ceil(Math.max(shortestKeep, keep) / 1_000)}s` }),
        })
        return seq
      } catch (error) {
        if (isConflict(error)) {
          const written = isUnsure ? await this.#written(subject, id) : undefined
          return written
        }
        if (error instanceof JetStreamApiError && !isPassing(error)) throw streamError(error, this.#name)
        if (performance.now() + pause >= end) throw streamError(error, this.#name)
        isUnsure = true
        await new Promise<void>((resolve) => startTimer(resolve, pause))
      }
    }
  }

  /** Whether it was an attempt of this write that was accepted. */
  async #written(subject: string, id: string): Promise<number | undefined> {
    const found = await this.#message(subject)
    return found?.header.get(writeName) === id ? found.seq : undefined
  }

  /** Reads a subject at the leader of the stream. @throws TroupeError `Unavailable` */
  async read(subject: string): Promise<Stored | undefined> {
    const found = await this.#message(subject)
    if (found === null) return undefined
    return { subject, revision: found.seq, data: found.header.has(removal) ? undefined : Uint8Array.from(found.data) }
  }

  async #message(subject: string) {
    try {
      return await this.#streams.getMessage(this.#name, { last_by_subj: subject })
    } catch (error) {
      throw streamError(error, this.#name)
    }
  }

  /** The subjects that have a message and match a pattern. @throws TroupeError `Unavailable` */
  async subjects(pattern: string): Promise<readonly string[]> {
    try {
      const { state } = await this.#streams.info(this.#name, { subjects_filter: pattern })
      return Object.keys(state.subjects ?? {})
    } catch (error) {
      throw streamError(error, this.#name)
    }
  }

  /**
   * Calls `see` with the last message of each subject that matches, and with all later ones, and `loaded` once with
   * those that existed. Returns what ends it. @throws TroupeError `Unavailable`
   */
  async watch(subjects: string, watcher: Watcher): Promise<() => void> {
    try {
      const consumer = await this.#client.consumers.get(this.#name, {
        // Permissions of nodes allow consumers with a name.
        name_prefix: `jobs_${randomUUID()}`,
        filter_subjects: subjects,
        deliver_policy: DeliverPolicy.LastPerSubject,
        inactive_threshold: watchIdle,
      })
      const { num_pending: pending } = await consumer.info(true)
      const messages: ConsumerMessages = await consumer.consume(fetching)
      const check = new WatchCheck(consumer, watcher)
      if (pending === 0) check.load()
      const follow = async () => {
        for await (const message of messages) {
          watcher.see(storedOf(message))
          check.saw(message.info.pending)
        }
      }
      void follow().then(check.end, check.end)
      return () => {
        check[Symbol.dispose]()
        void messages.close()
        void consumer.delete().catch(() => undefined)
      }
    } catch (error) {
      throw streamError(error, this.#name)
    }
  }
}

function storedOf({ subject, seq, data, headers: fields }: JsMsg): Stored {
  return { subject, revision: seq, data: fields?.has(removal) === true ? undefined : data }
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  )
}

/** Of the servers, while they elect a leader or start. */
const firstPassing = 500
function isPassing({ status }: JetStreamApiError): boolean {
  return status >= firstPassing
}

function final(message: string): TroupeError {
  return new TroupeError('Invalid', `cluster: ${message}`, { retryable: false })
}

function streamError(error: unknown, stream: string): TroupeError {
  if (error instanceof TroupeError) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (error instanceof JetStreamApiError && unsuitable.has(error.code))
    return final(`the servers cannot keep the stream ${stream}: ${reason}`)
  return unavailable(`cluster: the servers do not keep the stream ${stream} now: ${reason}`)
}
