/** The bucket `nodes` of a cluster: a record for each node, changed by compare-and-set. */
import { jetstream, JetStreamApiCodes, JetStreamApiError, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { notFound, TroupeError, unavailable } from '@troupe/core'
import type { Write } from '../membership/effects.ts'
import { decodeRecord, encodeRecord, type NodeRecord } from '../membership/record.ts'
import { nodesBucketOf } from '../subjects.ts'

/** A record, as it was read. */
export interface ReadRecord {
  readonly node: string
  readonly revision: number
  /** Absent where it was deleted, or is no record. */
  readonly record: NodeRecord | undefined
}

/** With the time at which it was written, by the clock of the servers, in milliseconds since 1970. */
export interface StoredRecord extends ReadRecord {
  readonly writtenAt: number
}

export interface BucketOptions {
  readonly cluster: string
  readonly replicas: number
  /** Milliseconds that a write may take. */
  readonly timeout: number
}

type Streams = Awaited<ReturnType<typeof jetstreamManager>>['streams']

const nodeKey = /^n\.([a-z0-9-]{1,32})$/
const deleted = new Set(['DEL', 'PURGE'])

export class NodesBucket {
  readonly #kv: KV
  readonly #stream: string
  readonly #streams: Streams
  readonly #prefix: string
  readonly #timeout: number

  private constructor(kv: KV, name: string, streams: Streams, timeout: number) {
    this.#kv = kv
    this.#stream = `KV_${name}`
    this.#prefix = `$KV.${name}`
    this.#streams = streams
    this.#timeout = timeout
  }

  /**
   * Opens the bucket, and makes it if it does not exist.
   *
   * @throws TroupeError `Invalid`, final, for a bucket with another configuration, and for servers that cannot keep as
   *   many replicas; `Unavailable` when the servers do not answer.
   */
  static async open(connection: NatsConnection, { cluster, replicas, timeout }: BucketOptions): Promise<NodesBucket> {
    const name = nodesBucketOf(cluster)
    try {
      const manager = await jetstreamManager(connection)
      const kv = await new Kvm(jetstream(connection)).create(name, { history: 1, replicas, storage: StorageType.File })
      const { streamInfo } = await kv.status()
      const { max_msgs_per_subject: history, num_replicas: copies, storage, max_age: age } = streamInfo.config
      if (history !== 1 || copies !== replicas || storage !== StorageType.File || age !== 0)
        throw final(
          `the bucket ${name} exists with another configuration: history ${history}, replicas ${copies}, storage ` +
            `${storage}, TTL ${age}; expected history 1, replicas ${replicas}, storage file, no TTL`,
        )
      return new NodesBucket(kv, name, manager.streams, timeout)
    } catch (error) {
      throw bucketError(error, name)
    }
  }

  /**
   * Opens a bucket to read it.
   *
   * @throws TroupeError `NotFound` if there is none; `Unavailable` when the servers do not answer.
   */
  static async existing(connection: NatsConnection, cluster: string, timeout: number): Promise<NodesBucket> {
    const name = nodesBucketOf(cluster)
    try {
      const manager = await jetstreamManager(connection)
      const kv = await new Kvm(jetstream(connection)).open(name)
      await kv.status()
      return new NodesBucket(kv, name, manager.streams, timeout)
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
        throw notFound(`cluster: no node has joined ${cluster} yet: the servers have no bucket ${name}`)
      throw bucketError(error, name)
    }
  }

  /**
   * Writes a record, and returns its revision; nothing if it has another revision than expected.
   *
   * @throws what the client throws: then it is not known whether it was written.
   */
  async write({ purpose, node, record, expected }: Write): Promise<number | undefined> {
    const key = `${purpose === 'probe' ? 'p' : 'n'}.${node}`
    const condition = expected === undefined ? {} : { previousSeq: expected }
    try {
      return await this.#kv.put(key, encodeRecord(record), { ...condition, timeout: this.#timeout })
    } catch (error) {
      if (error instanceof JetStreamApiError && isConflict(error.code)) return undefined
      throw error
    }
  }

  /** Reads a record at the leader of the bucket. Returns nothing if there has never been one. */
  async read(node: string): Promise<StoredRecord | undefined> {
    const found = await this.#streams.getMessage(this.#stream, { last_by_subj: `${this.#prefix}.n.${node}` })
    if (found === null) return undefined
    const isDeleted = deleted.has(found.header.get('KV-Operation'))
    const record = isDeleted ? undefined : decodeRecord(found.data)
    return { node, revision: found.seq, record, writtenAt: found.time.getTime() }
  }

  /** The names of all nodes that have a record. */
  async nodes(): Promise<readonly string[]> {
    const { state } = await this.#streams.info(this.#stream, { subjects_filter: `${this.#prefix}.n.*` })
    return Object.keys(state.subjects ?? {}).flatMap((subject) => subject.split('.').at(-1) ?? [])
  }

  /** The servers that have a replica, and do not follow its leader. */
  async absentReplicas(): Promise<readonly string[]> {
    const { cluster } = await this.#streams.info(this.#stream)
    return (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline).map(({ name }) => name)
  }

  /** Calls `see` with the records that exist, and with each that is written. Returns what ends the watch. */
  async watch(see: (record: ReadRecord) => void, ended: () => void): Promise<() => void> {
    const entries = await this.#kv.watch({ key: 'n.*' })
    const follow = async () => {
      for await (const { key, revision, value, operation } of entries) {
        const node = nodeKey.exec(key)?.[1]
        if (node !== undefined)
          see({ node, revision, record: deleted.has(operation) ? undefined : decodeRecord(value) })
      }
    }
    void follow().then(ended, ended)
    return () => {
      entries.stop()
    }
  }
}

function isConflict(code: number): boolean {
  return code === JetStreamApiCodes.StreamWrongLastSequence || code === JetStreamApiCodes.StreamWrongLastSequenceUnknown
}

function final(message: string): TroupeError {
  return new TroupeError('Invalid', `cluster: ${message}`, { retryable: false })
}

/** Codes of JetStream: replicas are not supported by a server that is alone, or by too few; the name is in use. */
const unsuitable = new Set([10_005, 10_052, 10_058, 10_074])

function bucketError(error: unknown, bucket: string): TroupeError {
  if (error instanceof TroupeError) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (error instanceof JetStreamApiError && unsuitable.has(error.code))
    return final(`the servers cannot keep the bucket ${bucket}: ${reason}`)
  return unavailable(`cluster: the servers do not keep the bucket ${bucket} now: ${reason}`)
}
