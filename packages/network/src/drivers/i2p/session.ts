/**
 * A session with the router: a key, an id by which streams are opened, and a control connection that keeps it alive. It
 * is rebuilt when that breaks.
 */
import { type Backoff, backoffDelay, type EntryId, sleep, type TroupeError } from '@troupe/core'
import { randomBytes } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { createSession, generate } from './commands.ts'
import { type SamConnection, greeted, type Patience } from './sam-connection.ts'
import { addressName, destinationIn } from './destination.ts'
import { asError, Failures } from './errors.ts'
import type { KeyFile } from './key-file.ts'
import { probe } from './probe.ts'
import type { Bridge, Timeouts } from './route.ts'
import { SessionWatch, type WatchTimes } from './session-watch.ts'

export type Role = 'dial' | 'listen'

/** An event of the channel `troupe:overlay:session`, in the program's thread: a session with a router is up or down. */
export interface SessionEvent {
  /** The entry of the overlay. */
  readonly overlay: EntryId
  /** Whether it is for connections of this side, or for those of peers. */
  readonly role: Role
  /** The state now. */
  readonly state: 'up' | 'down'
  /** Why it is down. */
  readonly error?: TroupeError
}

export interface SessionOptions {
  readonly overlay: EntryId
  readonly role: Role
  readonly bridge: Bridge
  /** Prefix of its id. */
  readonly prefix: string
  readonly signatureType: number
  /** I2CP options. */
  readonly options: Readonly<Record<string, string>>
  readonly timeouts: Timeouts
  /**
   * The file of its key, released with the session. Without one, the session generates a key; a session that only dials
   * generates a new one each time.
   */
  readonly keyFile?: KeyFile | undefined
  readonly log: (line: string) => void
  /**
   * Milliseconds until it is rebuilt: doubled after each attempt that fails or does not last. @default 500 to 30000,
   * with jitter
   */
  readonly delays?: Backoff
  /** @default a check after 7 s, then each minute */
  readonly watch?: WatchTimes
  /** Milliseconds that a router needs to forget a session that has ended, and its key. @default 6000 */
  readonly forget?: number
}

const sessions = channel('troupe:overlay:session')
const idBytes = 16
const defaultDelays: Backoff = { initial: 500, max: 30_000, jitter: 0.2 }
/** i2pd takes 5 s: a session created earlier with the same key gets the old destination, which i2pd then removes. */
const defaultForget = 6_000
/** Milliseconds after which a session counts as successful, so that the next delay is the initial one again. */
const lively = 10_000

export class Session implements AsyncDisposable {
  /** A secret: it suffices to open and accept streams of the session. It stays the same when the session is rebuilt. */
  readonly id: string
  readonly #options: SessionOptions
  readonly #failures: Failures
  readonly #patience: Patience
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #key: string | undefined
  /** The key of the previous session. */
  #former: string | undefined
  #address: string | undefined
  #state: 'up' | 'starting' | 'down' = 'starting'
  #error: TroupeError | undefined
  #watch: SessionWatch | undefined
  readonly #listeners = new Set<() => void>()
  /** The attempt in progress, or the running session. */
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

  /** The address at which peers reach it, `….b32.i2p`; `undefined` until its key is known. */
  get address(): string | undefined {
    return this.#address
  }

  /**
   * Settles with the address when the session is ready.
   *
   * @throws TroupeError the failure of the attempt in progress.
   */
  async standing(): Promise<string> {
    return this.#standing.promise
  }

  /** Reports that a dial failed: the session is checked soon. */
  doubt(): void {
    this.#watch?.doubt()
  }

  /** Calls `fn` after each change of its state; the returned function unsubscribes. */
  onChange(fn: () => void): () => void {
    this.#listeners.add(fn)
    return () => void this.#listeners.delete(fn)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#running
    this.#options.keyFile?.[Symbol.dispose]()
  }

  /**
   * No peer knows a dialling session by its key. With a new key it need not wait, and no peer looks for it at the old
   * address.
   */
  get #mayChange(): boolean {
    const { role, keyFile } = this.#options
    return role === 'dial' && keyFile === undefined
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  async #run(): Promise<void> {
    const { delays = defaultDelays, forget = defaultForget } = this.#options
    for (let failures = 1; !this.#closed; failures += 1) {
      this.#standing.promise.catch(() => undefined)
      let least = 0
      try {
        const control = await this.#open().catch(async (thrown: unknown) => this.#kept(asError(thrown)))
        const began = performance.now()
        this.#standing.resolve(await this.#up())
        const error = await this.#end(control)
        this.#standing = Promise.withResolvers()
        this.#down(error)
        if (performance.now() - began > lively) failures = 1
        this.#former = this.#key
        if (this.#mayChange) this.#key = undefined
        else least = forget
      } catch (thrown) {
        const error = asError(thrown)
        const { reject } = this.#standing
        this.#standing = Promise.withResolvers()
        reject(error)
        this.#down(error)
      }
      await sleep(Math.max(least, backoffDelay(delays, failures)), this.#closing.signal).catch(() => undefined)
    }
    this.#standing.promise.catch(() => undefined)
    this.#standing.reject(this.#failures.canceled())
  }

  /** Settles with the reason when it has ended: its connection closed, or the router lost it. */
  async #end(control: SamConnection | undefined): Promise<TroupeError> {
    const { watch: times } = this.#options
    using watch = new SessionWatch({ look: async () => this.#look(), onFound: (error) => this.#found(error), times })
    this.#watch = watch
    const over = control ? lived(control).catch(asError) : new Promise<never>(() => undefined)
    const lost = watch.lost().then((error) => error ?? over)
    const error = await Promise.race([over, lost])
    this.#watch = undefined
    control?.close()
    return error
  }

  /**
   * A router that has not noticed the broken connection still has the session. It is used while it exists, without a
   * control connection.
   *
   * @throws TroupeError `error`, where that is not the case.
   */
  async #kept(error: TroupeError): Promise<undefined> {
    if (error.details['result'] !== 'DUPLICATED_ID' || this.#former === undefined) throw error
    this.#key = this.#former
    const { type } = await this.#look()
    if (type === 'lost' || type === 'silent') throw error
  }

  async #look() {
    const { bridge } = this.#options
    return probe({ bridge, session: this.id, destination: destinationIn(this.#key ?? '') ?? '' }, this.#patience)
  }

  /** The connection is open, but the bridge may not respond. */
  #found(error: TroupeError | undefined): void {
    if (this.#closed || (error === undefined) === (this.#state === 'up')) return
    this.#become(error === undefined ? 'up' : 'down', error)
  }

  async #open(): Promise<SamConnection> {
    const { bridge, signatureType, options, keyFile } = this.#options
    this.#key ??= keyFile?.read()
    if (this.#key !== undefined) this.#address = await addressName(destinationIn(this.#key) ?? '')
    const conversation = await greeted(bridge, this.#patience)
    try {
      if (this.#key === undefined && keyFile) {
        const reply = await conversation.ask(generate(signatureType), {
          stage: 'key',
          limit: 'connect_timeout',
          topic: 'DEST REPLY',
        })
        this.#key = this.#checked(reply.values.get('PRIV'))
        keyFile.write(this.#key)
      }
      const wish = { id: this.id, style: 'STREAM', key: this.#key, signatureType, options } as const
      const question = { stage: 'session', limit: 'session_timeout', topic: 'SESSION STATUS' } as const
      const { values } = await conversation.ask(createSession(wish), question).catch((error: unknown) => {
        throw this.#damaged(error)
      })
      // Kept, so that a rebuilt session has the same identity for its peers.
      this.#key ??= this.#checked(values.get('DESTINATION'))
      return conversation.hold()
    } catch (error) {
      conversation.close()
      throw error
    }
  }

  /** An error for a stored key that the router refuses, which is no unknown name. */
  #damaged(thrown: unknown): TroupeError {
    const error = asError(thrown)
    const { keyFile } = this.#options
    if (keyFile === undefined || error.details['result'] !== 'INVALID_KEY') return error
    const advice = 'put back the one that was there, or remove the file to get a new address'
    return this.#failures.useless(
      `the router does not take the key in ${keyFile.path}: it is damaged. ${advice}`,
      'session',
    )
  }

  #checked(key = ''): string {
    if (destinationIn(key) === undefined) throw this.#failures.useless('the router returned an invalid key', 'key')
    return key
  }

  async #up(): Promise<string> {
    const { overlay, role, log } = this.#options
    this.#address = await addressName(destinationIn(this.#key ?? '') ?? '')
    if (role === 'listen') log(`overlay ${overlay} is reached at ${this.#address}`)
    this.#become('up')
    return this.#address
  }

  #down(error: TroupeError): void {
    if (!this.#closed) this.#become('down', error)
  }

  /** Publishes a state only when it is another one: a check and the control connection may report the same end. */
  #become(state: SessionEvent['state'], error?: TroupeError): void {
    const isNew = this.#state !== state
    this.#state = state
    this.#error = error
    for (const listener of this.#listeners) listener()
    if (!isNew || !sessions.hasSubscribers) return
    const { overlay, role } = this.#options
    const event: SessionEvent = { overlay, role, state, ...(error && { error }) }
    sessions.publish(event)
  }
}

/** Waits for the end of the control connection, on which the session depends; throws the reason. */
async function lived(control: SamConnection): Promise<never> {
  for (;;) {
    const line = await control.line()
    // SAM 3.2: either side may check whether the other is alive.
    if (line.startsWith('PING')) control.say(`PONG${line.slice('PING'.length)}\n`)
  }
}
