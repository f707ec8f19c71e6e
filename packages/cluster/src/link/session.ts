/** One connection to the servers, with the bucket behind it, until it is of no use. */
import type { NatsConnection } from '@nats-io/transport-node'
import { settledWithin } from '@troupe/core'
import { openConnection } from './connection.ts'
import { FollowedBucket } from './followed-bucket.ts'
import { NodesBucket, type ReadRecord } from './nodes-bucket.ts'
import type { LinkSettings } from '../settings.ts'
import { nodeSubject } from '../subjects.ts'

/** Milliseconds that the servers may take to answer a connection that seems to work. */
const answerTime = 2_000
const defaultLargest = 1 << 20

export interface SessionOptions {
  readonly settings: LinkSettings
  readonly onRecord: (record: ReadRecord) => void
  /** A node has published bytes for this node. */
  readonly onBytes: (node: string, bytes: Uint8Array) => void
  /** What was sent until now may be lost; `isConnected`: what is sent from now on can arrive. */
  readonly onConnection: (isConnected: boolean) => void
}

export class Session implements AsyncDisposable {
  readonly bucket: NodesBucket
  /** Settles when the connection has ended. */
  readonly ended: Promise<void>
  readonly #connection: NatsConnection
  readonly #followed: FollowedBucket
  readonly #onConnection: SessionOptions['onConnection']
  readonly #end = Promise.withResolvers<void>()
  #isConnected = true
  #isChecking = false

  private constructor(connection: NatsConnection, bucket: NodesBucket, { onRecord, onConnection }: SessionOptions) {
    this.#onConnection = onConnection
    this.#connection = connection
    this.bucket = bucket
    this.#followed = new FollowedBucket(bucket, onRecord)
    this.ended = Promise.race([this.#end.promise, connection.closed().then(() => undefined)])
    void this.#watchStatus()
  }

  /** Connects, opens the bucket, and reads all records. Throws what these steps throw. */
  static async open(options: SessionOptions): Promise<Session> {
    const { settings, onRecord } = options
    const connection = await openConnection(settings)
    try {
      const { cluster, replicas, lease } = settings
      const bucket = await NodesBucket.open(connection, { cluster, replicas, timeout: lease })
      const session = new Session(connection, bucket, options)
      connection.subscribe(nodeSubject(cluster, settings.node, '*'), {
        callback: (error, { subject, data, reply, headers }) => {
          // Nodes send neither. Servers do, for a consumer that another node made with this subject as its destination.
          if (error !== null || (reply ?? '') !== '' || headers !== undefined) return
          options.onBytes(subject.slice(subject.lastIndexOf('.') + 1), data)
        },
      })
      for (const node of await bucket.nodes()) {
        const record = await bucket.read(node)
        if (record !== undefined) onRecord(record)
      }
      return session
    } catch (error) {
      void connection.close()
      throw error
    }
  }

  /** Bytes that the servers accept as one message. */
  get largestMessage(): number {
    return this.#connection.info?.max_payload ?? defaultLargest
  }

  /** Publishes for another node. It is lost while the connection is. */
  publish(subject: string, bytes: Uint8Array): void {
    if (this.#isConnected && !this.#connection.isClosed()) this.#connection.publish(subject, bytes)
  }

  get connection(): NatsConnection {
    return this.#connection
  }

  get server(): { readonly url: string; readonly version: string } {
    return { url: this.#connection.getServer(), version: this.#connection.info?.version ?? '' }
  }

  /** The watch is late. */
  renewWatch(): void {
    this.#followed.renew()
  }

  /**
   * Nothing was accepted for a while: ends the session if the servers do not reply. An exception in the client's
   * reader leaves a connection that seems to work, and hangs.
   */
  async check(): Promise<void> {
    if (!this.#isConnected || this.#isChecking) return
    this.#isChecking = true
    let isAlive = false
    const answer = this.#connection.rtt().then(
      () => {
        isAlive = true
      },
      () => undefined,
    )
    await settledWithin(answer, answerTime)
    this.#isChecking = false
    if (!isAlive && this.#isConnected) this.#end.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#followed[Symbol.dispose]()
    await settledWithin(this.#connection.close(), answerTime)
  }

  /** The client reconnects by itself; meanwhile there is nothing to check. */
  async #watchStatus(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') {
        this.#isConnected = false
        this.#onConnection(false)
      }
      if (type === 'reconnect') {
        this.#isConnected = true
        this.#followed.renew()
        this.#onConnection(true)
      }
    }
  }
}
