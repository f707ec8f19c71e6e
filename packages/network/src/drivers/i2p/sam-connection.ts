/** A conversation with a SAM bridge, by lines, until its socket is something else: a stream, or a session that is held. */
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
  /** The caller's own: how long it is, and the time (`performance.now()`) at which it ends. */
  readonly caller?: { readonly timeout: number; readonly until: number } | undefined
}

const newline = 10
const empty = Buffer.alloc(0)
/** Of commands. A key that is long enough to be one is private, or the address of who is dialled: that is in the error anyway. */
const secretValues = /(?:USER|PASSWORD|ID|DESTINATION)="?([^\s"]+)"?/g

/** Connects to the bridge and has it greet. @throws TroupeError */
export async function greeted(bridge: Bridge, patience: Patience): Promise<SamConnection> {
  const conversation = new SamConnection(connectOwn({ host: bridge.host, port: bridge.port }), patience)
  await conversation.connected()
  await conversation.ask(hello(bridge), { stage: 'hello', limit: 'connect_timeout', topic: 'HELLO REPLY' })
  return conversation
}

export interface SamRequest {
  readonly stage: Stage
  readonly limit: Limit
  /** What the answer is about. */
  readonly topic: string
}

/** Whatever ends it first ends it: a failure destroys the socket. */
export class SamConnection {
  readonly #socket: Socket
  readonly #patience: Patience
  #bytes: Buffer = empty
  #stage: Stage = 'connect'
  #wanted: PromiseWithResolvers<string> | undefined
  #opened: PromiseWithResolvers<void> | undefined
  #error: TroupeError | undefined
  /** What was said that no error may show, though the bridge repeats it: logins, ids of sessions, keys. */
  readonly #secrets = new Set<string>()
  #timer: Timer | undefined
  /** Of `connect_timeout`, which is for two stages. */
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
   * Says something and waits for the answer.
   *
   * @throws TroupeError `Unavailable` when it is not OK, or none.
   */
  async ask(command: string, { stage, limit, topic }: SamRequest): Promise<Reply> {
    this.#stage = stage
    for (const [, secret = ''] of command.matchAll(secretValues)) this.#secrets.add(secret)
    // i2pd forgets what it hears before it has answered: what has come already answers something else.
    if (this.#bytes.length > 0) throw this.#fail(this.#patience.failures.alien(stage))
    if (this.#error === undefined) this.#socket.write(command)
    const reply = parseReply(await this.line(limit))
    if (reply === undefined) throw this.#fail(this.#patience.failures.alien(stage))
    // i2pd answers a second STREAM FORWARD with a SESSION STATUS.
    if (reply.result !== 'OK' && reply.result !== '') throw this.#fail(this.#patience.failures.refused(this.#masked(reply), stage))
    if (reply.topic !== topic) throw this.#fail(this.#patience.failures.alien(stage))
    return reply
  }

  /** The next line, without its end. @param limit - Without one it may take as long as it likes. */
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

  /** The socket, as if nobody had touched it: not flowing, without listeners, with what has come behind the last line. */
  release(): Socket {
    this.#letGo()
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes)
    return this.#socket
  }

  close(): void {
    this.#letGo()
    this.#socket.on('error', () => undefined).destroy()
  }

  /** This side of the connection, as the bridge sees it. */
  get localAddress(): string | undefined {
    return this.#socket.localAddress
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  /** A connection that is held: the system looks now and then whether the other side is there, and waits for nobody at the end. */
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
    const mask = (text: string) => [...this.#secrets].reduce((left, secret) => left.replaceAll(secret, '[masked]'), text)
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
    // Asked for no more than there is, the stream does not tell of its end yet: that is for whoever gets the socket.
    const chunk: unknown = this.#socket.read(this.#socket.readableLength || undefined)
    if (!Buffer.isBuffer(chunk)) return
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    if (this.#wanted === undefined) return
    const line = this.#takeLine()
    if (line !== undefined) this.#wanted.resolve(line)
    else if (this.#bytes.length > longestLine) this.#fail(this.#patience.failures.alien(this.#stage))
    // An end that came together with what was read shows only to who asks for more.
    else this.#socket.read(0)
  }

  readonly #onAbort = (): void => void this.#fail(this.#patience.failures.canceled())

  readonly #onError = (error: Error): void => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'no connection'
    const { failures } = this.#patience
    this.#fail(this.#stage === 'connect' ? failures.unreachable(code) : failures.closed(this.#stage, code))
  }

  readonly #onEnd = (): void => void this.#fail(this.#patience.failures.closed(this.#stage, 'FIN'))

  /** Arms the timer for what ends first: this limit, or the caller's patience. */
  #limit(limit: Limit): void {
    const { timeouts, failures, caller } = this.#patience
    const ms = timeouts[limits[limit]]
    const now = performance.now()
    const limitLeft = limit === 'connect_timeout' ? this.#connectUntil - now : ms
    const callerLeft = (caller?.until ?? Number.POSITIVE_INFINITY) - now
    stopTimer(this.#timer)
    this.#timer = startDeadline(
      () =>
        this.#fail(callerLeft <= limitLeft ? failures.timedOut(caller?.timeout ?? 0, this.#stage) : failures.late(limit, ms, this.#stage)),
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

/** Timers of the same length share a list in Node, those of a length of their own are dear: a long one may be a little longer. */
function coarse(ms: number): number {
  return ms < 1000 ? Math.max(0, Math.ceil(ms)) : Math.ceil(ms / 100) * 100
}
