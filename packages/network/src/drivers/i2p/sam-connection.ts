/** A line-based exchange with a SAM bridge, until its socket becomes a stream or a held session. */
import { startDeadline, stopTimer, type Timer, type TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import { connectOwn } from '../../sockets/own-sockets.ts'
import { hello } from './commands.ts'
import type { Failures, Limit, Stage } from './errors.ts'
import { longestLine, parseReply, type Reply } from './reply.ts'
import type { Bridge, Timeouts } from './route.ts'

export interface Patience {
  readonly timeouts: Timeouts
  readonly failures: Failures
  readonly signal?: AbortSignal | undefined
  /** The caller's timeout: its length, and the time (`performance.now()`) at which it ends. */
  readonly caller?: { readonly timeout: number; readonly until: number } | undefined
}

const newline = 10
const empty = Buffer.alloc(0)
/**
 * In commands. A value that is long enough to be a key is a private key, or the address of the target, which the error
 * contains anyway.
 */
const secretValues = /(?:USER|PASSWORD|ID|DESTINATION)="?([^\s"]+)"?/g

/** Connects to the bridge and exchanges greetings. @throws TroupeError */
export async function greeted(bridge: Bridge, patience: Patience): Promise<SamConnection> {
  const conversation = new SamConnection(connectOwn({ host: bridge.host, port: bridge.port }), patience)
  await conversation.connected()
  await conversation.ask(hello(bridge), { stage: 'hello', limit: 'connect_timeout', topic: 'HELLO REPLY' })
  return conversation
}

export interface SamRequest {
  readonly stage: Stage
  readonly limit: Limit
  /** The topic that the reply must have. */
  readonly topic: string
}

/** The first failure ends it: a failure destroys the socket. */
export class SamConnection {
  readonly #socket: Socket
  readonly #patience: Patience
  #bytes: Buffer = empty
  #stage: Stage = 'connect'
  #wanted: PromiseWithResolvers<string> | undefined
  #opened: PromiseWithResolvers<void> | undefined
  #error: TroupeError | undefined
  /** Values sent that no error may show although the bridge repeats them: logins, session ids, keys. */
  readonly #secrets = new Set<string>()
  #timer: Timer | undefined
  /** End of `connect_timeout`, which covers two stages. */
  readonly #connectUntil: number

  constructor(socket: Socket, patience: Patience) {
    this.#socket = socket
    this.#patience = patience
    this.#connectUntil = performance.now() + patience.timeouts.connect
    socket.on('error', this.#onError).on('end', this.#onEnd).on('readable', this.#onReadable)
    patience.signal?.addEventListener('abort', this.#onAbort)
    if (patience.signal?.aborted === true) this.#onAbort()
  }

  async connected(): Promise<void> {
    if (this.#error) throw this.#error
    if (!this.#socket.connecting) return
    this.#opened = Promise.withResolvers()
    this.#socket.once('connect', this.#opened.resolve)
    this.#limit('connect_timeout')
    await this.#opened.promise
  }

  /**
   * Sends a command and waits for the reply.
   *
   * @throws TroupeError `Unavailable` when the reply is not OK, or absent.
   */
  async ask(command: string, { stage, limit, topic }: SamRequest): Promise<Reply> {
    this.#stage = stage
    for (const [, secret = ''] of command.matchAll(secretValues)) this.#secrets.add(secret)
    // i2pd discards input that arrives before its reply, so data that is already here is the reply to something else.
    if (this.#bytes.length > 0) throw this.#fail(this.#patience.failures.alien(stage))
    if (this.#error === undefined) this.#socket.write(command)
    const reply = parseReply(await this.line(limit))
    if (reply === undefined) throw this.#fail(this.#patience.failures.alien(stage))
    // i2pd replies to a second STREAM FORWARD with a SESSION STATUS.
    if (reply.result !== 'OK' && reply.result !== '')
      throw this.#fail(this.#patience.failures.refused(this.#masked(reply), stage))
    if (reply.topic !== topic) throw this.#fail(this.#patience.failures.alien(stage))
    return reply
  }

  /** Returns the next line, without its end. @param limit - Without one there is no time limit. */
  async line(limit?: Limit): Promise<string> {
    const ready = this.#takeLine()
    if (ready !== undefined) return ready
    if (this.#error) throw this.#error
    this.#wanted = Promise.withResolvers()
    if (limit !== undefined) this.#limit(limit)
    try {
      return await this.#wanted.promise
    } finally {
      this.#wanted = undefined
      stopTimer(this.#timer)
    }
  }

  say(text: string): void {
    this.#socket.write(text)
  }

  /** Releases the socket as if untouched: not flowing, without listeners, with the data that followed the last line. */
  release(): Socket {
    this.#letGo()
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes)
    return this.#socket
  }

  close(): void {
    this.#letGo()
    this.#socket.on('error', () => undefined).destroy()
  }

  /** The local address of the connection, as the bridge sees it. */
  get localAddress(): string | undefined {
    return this.#socket.localAddress
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  /**
   * Marks a connection that is held open: the system checks it with keep-alive probes, and it does not delay the end of
   * the program.
   */
  hold(): this {
    this.#stage = 'held'
    this.#socket.setKeepAlive(true, 15_000)
    return this
  }

  /** Does not keep the thread alive. */
  unref(): this {
    this.#socket.unref()
    return this
  }

  #masked({ result, values }: Reply): Pick<Reply, 'result' | 'values'> {
    const mask = (text: string) =>
      [...this.#secrets].reduce((left, secret) => left.replaceAll(secret, '[masked]'), text)
    return { result: mask(result), values: new Map([...values].map(([key, value]) => [key, mask(value)])) }
  }

  #takeLine(): string | undefined {
    const at = this.#bytes.indexOf(newline)
    if (at < 0) return undefined
    const line = this.#bytes.toString('latin1', 0, at)
    this.#bytes = this.#bytes.subarray(at + 1)
    return line
  }

  readonly #onReadable = (): void => {
    // A read of exactly the available length does not make the stream report its end yet: the receiver of the socket
    // gets that event.
    const chunk: unknown = this.#socket.read(this.#socket.readableLength || undefined)
    if (!Buffer.isBuffer(chunk)) return
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    if (this.#wanted === undefined) return
    const line = this.#takeLine()
    if (line !== undefined) this.#wanted.resolve(line)
    else if (this.#bytes.length > longestLine) this.#fail(this.#patience.failures.alien(this.#stage))
    // An end that arrived together with data is reported only after a further read.
    else this.#socket.read(0)
  }

  readonly #onAbort = (): void => void this.#fail(this.#patience.failures.canceled())

  readonly #onError = (error: Error): void => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'no connection'
    const { failures } = this.#patience
    this.#fail(this.#stage === 'connect' ? failures.unreachable(code) : failures.closed(this.#stage, code))
  }

  readonly #onEnd = (): void => void this.#fail(this.#patience.failures.closed(this.#stage, 'FIN'))

  /** Starts the timer for the earlier end: this limit, or the caller's timeout. */
  #limit(limit: Limit): void {
    const { timeouts, failures, caller } = this.#patience
    const ms = timeouts[limits[limit]]
    const now = performance.now()
    const limitLeft = limit === 'connect_timeout' ? this.#connectUntil - now : ms
    const callerLeft = (caller?.until ?? Number.POSITIVE_INFINITY) - now
    stopTimer(this.#timer)
    this.#timer = startDeadline(
      () =>
        this.#fail(
          callerLeft <= limitLeft
            ? failures.timedOut(caller?.timeout ?? 0, this.#stage)
            : failures.late(limit, ms, this.#stage),
        ),
      coarse(Math.min(limitLeft, callerLeft)),
    )
  }

  #fail(error: TroupeError): TroupeError {
    if (this.#error) return this.#error
    this.#error = error
    this.close()
    this.#opened?.reject(error)
    this.#wanted?.reject(error)
    return error
  }

  #letGo(): void {
    stopTimer(this.#timer)
    this.#patience.signal?.removeEventListener('abort', this.#onAbort)
    this.#socket.off('error', this.#onError).off('end', this.#onEnd).off('readable', this.#onReadable)
    if (this.#opened) this.#socket.off('connect', this.#opened.resolve)
  }
}

const limits = {
  connect_timeout: 'connect',
  session_timeout: 'session',
  dial_timeout: 'dial',
  first_byte_timeout: 'firstByte',
} as const

/**
 * Timers of equal length share a list in Node, and a list for one timer is expensive. So a long time is rounded up a
 * little.
 */
function coarse(ms: number): number {
  return ms < 1000 ? Math.max(0, Math.ceil(ms)) : Math.ceil(ms / 100) * 100
}
