/** A session with the router: a key, an id that streams are opened by, and a connection by which it lives. It is rebuilt when that breaks. */
import { type Backoff, backoffDelay, type EntryId, sleep, type TroupeError } from '@troupe/core'
import { randomBytes } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { createSession, generate } from './commands.ts'
import { type Conversation, greeted, type Patience } from './conversation.ts'
import { addressName, destinationIn } from './destination.ts'
import { asError, Failures } from './failures.ts'
import type { KeyFile } from './key-file.ts'
import type { Bridge, Timeouts } from './route.ts'

export type Role = 'dial' | 'listen'

/** An event of the channel `troupe:overlay:session`. */
export interface SessionEvent {
  readonly overlay: EntryId
  readonly role: Role
  readonly state: 'up' | 'down'
  /** Why it is down. */
  readonly error?: TroupeError
}

export interface SessionOptions {
  readonly overlay: EntryId
  readonly role: Role
  readonly bridge: Bridge
  /** What its id begins with. */
  readonly prefix: string
  readonly signatureType: number
  /** I2CP options. */
  readonly options: Readonly<Record<string, string>>
  readonly timeouts: Timeouts
  /** Where its key is kept, which is let go of with the session; without one, it has a new key. */
  readonly keyFile?: KeyFile | undefined
  readonly log: (line: string) => void
  /** Milliseconds until it is rebuilt: doubled with each attempt that fails. @default 500, to 30000 */
  readonly delays?: Backoff
}

const sessions = channel('troupe:overlay:session')
const idBytes = 16
const defaultDelays: Backoff = { initial: 500, max: 30_000 }

export class Session implements AsyncDisposable {
  /** A secret: whoever knows it opens streams by the session, and accepts them. It stays the same when the session is rebuilt. */
  readonly id: string
  readonly #options: SessionOptions
  readonly #failures: Failures
  readonly #patience: Patience
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #key: string | undefined
  #address: string | undefined
  #state: 'up' | 'starting' | 'down' = 'starting'
  #error: TroupeError | undefined
  /** The attempt that is being made, or the session that stands. */
  #standing = Promise.withResolvers<string>()

  constructor(options: SessionOptions) {
    const { overlay, role, prefix, timeouts } = options
    this.id = `${prefix}-${randomBytes(idBytes).toString('hex')}`
    this.#options = options
    this.#failures = new Failures(overlay, role === 'dial' ? 'a session to dial by' : 'a session to listen by')
    this.#patience = { timeouts, failures: this.#failures, signal: this.#closing.signal }
    this.#running = this.#run()
  }

  get state(): 'up' | 'starting' | 'down' {
    return this.#state
  }

  /** Why it is down. */
  get error(): TroupeError | undefined {
    return this.#error
  }

  /** Where others reach it, `….b32.i2p`; `undefined` until its key is known. */
  get address(): string | undefined {
    return this.#address
  }

  /**
   * Settles, with the address, when the session stands.
   *
   * @throws TroupeError what the attempt that is being made ends with.
   */
  async standing(): Promise<string> {
    return this.#standing.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#running
    this.#options.keyFile?.[Symbol.dispose]()
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  async #run(): Promise<void> {
    const delays = this.#options.delays ?? defaultDelays
    for (let failures = 1; !this.#closed; failures += 1) {
      this.#standing.promise.catch(() => undefined)
      try {
        const control = await this.#open()
        const address = await this.#up()
        this.#standing.resolve(address)
        failures = 1
        await lived(control).catch((error: unknown) => {
          this.#standing = Promise.withResolvers()
          this.#down(asError(error))
        })
      } catch (thrown) {
        const error = asError(thrown)
        const { reject } = this.#standing
        this.#standing = Promise.withResolvers()
        reject(error)
        this.#down(error)
      }
      await sleep(backoffDelay(delays, failures), this.#closing.signal).catch(() => undefined)
    }
    this.#standing.promise.catch(() => undefined)
    this.#standing.reject(this.#failures.canceled())
  }

  async #open(): Promise<Conversation> {
    const { bridge, signatureType, options, keyFile } = this.#options
    this.#key ??= keyFile?.read()
    if (this.#key !== undefined) this.#address = await addressName(destinationIn(this.#key) ?? '')
    const conversation = await greeted(bridge, this.#patience)
    try {
      if (this.#key === undefined && keyFile) {
        const reply = await conversation.ask(generate(signatureType), { stage: 'key', limit: 'connect_timeout', topic: 'DEST REPLY' })
        this.#key = this.#checked(reply.values.get('PRIV'))
        keyFile.write(this.#key)
      }
      const wish = { id: this.id, style: 'STREAM', key: this.#key, signatureType, options } as const
      const question = { stage: 'session', limit: 'session_timeout', topic: 'SESSION STATUS' } as const
      const { values } = await conversation.ask(createSession(wish), question)
      // Kept, so that a session that is rebuilt is the same to others.
      this.#key ??= this.#checked(values.get('DESTINATION'))
      return conversation.hold()
    } catch (error) {
      conversation.close()
      throw error
    }
  }

  #checked(key = ''): string {
    if (destinationIn(key) === undefined) throw this.#failures.useless('the router made a key that is none', 'key')
    return key
  }

  async #up(): Promise<string> {
    const { overlay, role, log } = this.#options
    this.#address = await addressName(destinationIn(this.#key ?? '') ?? '')
    log(role === 'listen' ? `overlay ${overlay} is reached at ${this.#address}` : `overlay ${overlay} has a session with its router`)
    this.#state = 'up'
    this.#error = undefined
    this.#publish('up')
    return this.#address
  }

  #down(error: TroupeError): void {
    if (this.#closed) return
    this.#state = 'down'
    this.#error = error
    this.#options.log(`overlay ${this.#options.overlay} has no session with its router, and tries for one: ${error.message}`)
    this.#publish('down', error)
  }

  #publish(state: SessionEvent['state'], error?: TroupeError): void {
    if (!sessions.hasSubscribers) return
    const { overlay, role } = this.#options
    const event: SessionEvent = { overlay, role, state, ...(error && { error }) }
    sessions.publish(event)
  }
}

/** Ends when the connection does, by which the session lives; throws why. */
async function lived(control: Conversation): Promise<never> {
  for (;;) {
    const line = await control.line()
    // SAM 3.2: either side may ask whether the other is there.
    if (line.startsWith('PING')) control.say(`PONG${line.slice('PING'.length)}\n`)
  }
}
