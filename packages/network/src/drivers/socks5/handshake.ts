/** One handshake with a SOCKS5 proxy (RFC 1928, RFC 1929). The first failure or success ends it. */
import { startDeadline, stopTimer, type Timer } from '@troupe/core'
import type { Socket } from 'node:net'
import { type Reply, ReplyParser, type Stage } from './reply-parser.ts'
import type { Failure, Failures, Limit } from './errors.ts'
import { type Login, loginOf, type Offer, offerOf } from './messages.ts'
import type { EarlyData } from '../../overlay/overlay.ts'
import type { Timeouts } from './route.ts'

export type Success = Extract<Reply, { type: 'success' }>

/** A success has no reply where nothing was requested. */
export type Outcome = { readonly socket: Socket; readonly reply: Success | undefined } | Failure

export interface HandshakePlan {
  readonly login: Login | undefined
  /** Whether the login isolates connections: without it the dial fails. */
  readonly isolated: boolean
  /** `undefined`: only check that the proxy sends its greeting. */
  readonly request: Buffer | undefined
  /** In its place where the proxy is connected over IPv6. */
  readonly requestOverIpv6?: Buffer | undefined
  /** The method that the proxy chose, where the greeting is done. */
  readonly greeted?: number | undefined
  /** What to do when the proxy has sent nothing for a while; the handshake continues. */
  readonly silence?: { readonly after: number; readonly run: () => void }
  /** Send everything in one write. */
  readonly optimistic: boolean
  /** Sent in the same write. */
  readonly early?: EarlyData | undefined
  /** Whether everything was sent with the request of the overlay that leads to the proxy. @default false */
  readonly isSent?: boolean
  readonly timeouts: Timeouts
  /** Time (`performance.now()`) at which the caller's timeout ends, and its length. */
  readonly until: number
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  readonly failures: Failures
}

/**
 * Runs over `socket`, which is connecting or connected. A success returns the socket as if untouched: not flowing,
 * without listeners, with the data that the target sent already. A failure destroys it.
 */
export class Handshake {
  readonly #socket: Socket
  readonly #plan: HandshakePlan
  readonly #answers: ReplyParser
  readonly #offer: Offer
  readonly #ended = Promise.withResolvers<Outcome>()
  #timer: Timer | undefined
  #handshakeUntil = 0
  #connected = false
  #heard = false
  #isOver = false

  constructor(socket: Socket, plan: HandshakePlan) {
    this.#socket = socket
    this.#plan = plan
    this.#offer = offerOf(plan)
    this.#answers = new ReplyParser(plan.optimistic && plan.login !== undefined && plan.request !== undefined)
  }

  run(): Promise<Outcome> {
    const { signal } = this.#plan
    if (signal?.aborted === true) this.#end(this.#plan.failures.canceled())
    else {
      signal?.addEventListener('abort', this.#onAbort)
      this.#socket.on('error', this.#onError).on('end', this.#onEnd).on('readable', this.#onReadable)
      if (this.#socket.connecting) {
        this.#socket.on('connect', this.#onConnect)
        this.#limit('connect_timeout', this.#plan.timeouts.connect)
      } else this.#onConnect()
    }
    return this.#ended.promise
  }

  /** Whether the proxy has sent anything. */
  get heard(): boolean {
    return this.#heard
  }

  /** Ends it: its outcome is not needed any more. */
  abandon(): void {
    if (!this.#isOver) this.#end(this.#plan.failures.canceled())
  }

  readonly #onConnect = (): void => {
    this.#connected = true
    const { timeouts, greeted, isSent, silence } = this.#plan
    this.#handshakeUntil = performance.now() + timeouts.handshake
    this.#limitSilence(Math.min(timeouts.firstByte, timeouts.handshake), silence)
    if (greeted !== undefined) this.#take(this.#answers.greeted(greeted), 'greeting')
    else if (isSent !== true) this.#socket.write(firstMessage(this.#plan, this.#request))
  }

  get #request(): Buffer | undefined {
    const { request, requestOverIpv6 } = this.#plan
    return this.#socket.remoteFamily === 'IPv6' ? (requestOverIpv6 ?? request) : request
  }

  readonly #onReadable = (): void => {
    // A read of exactly the available length does not make the stream report its end yet: the receiver of the socket
    // gets that event.
    const chunk: unknown = this.#socket.read(this.#socket.readableLength || undefined)
    if (!Buffer.isBuffer(chunk)) return
    this.#answers.push(chunk)
    const isFirst = !this.#heard
    this.#heard = true
    for (;;) {
      const { stage } = this.#answers
      const answer = this.#answers.next()
      if (answer === undefined) break
      if (this.#take(answer, stage)) return
    }
    if (isFirst) this.#limit('handshake_timeout', this.#handshakeUntil - performance.now())
    // An end that arrived together with data is reported only after a further read.
    this.#socket.read(0)
  }

  /** Whether the handshake is over. */
  #take(answer: Reply, stage: Stage): boolean {
    const { failures, isolated, login } = this.#plan
    switch (answer.type) {
      case 'method':
        return this.#takeMethod(answer.method, stage)
      case 'login':
        if (answer.status === 0) return this.#goOn(stage)
        return this.#end(isolated ? failures.loginNotIsolated(answer.status) : failures.loginRefused(answer.status))
      case 'refusal':
        return this.#end(failures.rejected(answer.code, stage, login !== undefined && !isolated))
      case 'alien':
        return this.#end(failures.alien(answer, stage))
      default:
        return this.#end({ socket: this.#socket, reply: answer })
    }
  }

  #takeMethod(method: number, stage: Stage): boolean {
    const { failures, isolated } = this.#plan
    if (this.#offer.methods.includes(method)) return this.#goOn(stage)
    return this.#end(isolated ? failures.notIsolated(method) : failures.methodRefused(method))
  }

  /** Sends the next message, unless it was sent in advance. */
  #goOn(stage: Stage): boolean {
    const { login, optimistic, failures } = this.#plan
    const request = this.#request
    if (optimistic && request !== undefined) return false
    if (this.#answers.rest.length > 0) return this.#end(failures.outOfTurn(stage))
    // Enough for a check: a proxy that sends its greeting and refuses the login is unusable.
    if (request === undefined && this.#answers.stage === 'request')
      return this.#end({ socket: this.#socket, reply: undefined })
    const next = this.#answers.stage === 'login' && login ? loginOf(login) : request
    if (next) this.#socket.write(next)
    return false
  }

  readonly #onAbort = (): void => void this.#end(this.#plan.failures.canceled())

  readonly #onError = (error: Error): void => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'no connection'
    const { failures } = this.#plan
    this.#end(this.#connected ? failures.closed(this.#answers.stage, code) : failures.unreachable(code))
  }

  readonly #onEnd = (): void => void this.#end(this.#plan.failures.closed(this.#answers.stage, 'FIN'))

  /** Starts the timer for the proxy's first byte, or for something to do before. */
  #limitSilence(ms: number, silence: HandshakePlan['silence']): void {
    const { until, timeouts } = this.#plan
    if (silence === undefined || silence.after >= Math.min(ms, until - performance.now())) {
      this.#limit(timeouts.firstByte < timeouts.handshake ? 'first_byte_timeout' : 'handshake_timeout', ms)
      return
    }
    stopTimer(this.#timer)
    this.#timer = startDeadline(() => {
      silence.run()
      this.#limitSilence(ms - silence.after, undefined)
    }, silence.after)
  }

  /** Starts the timer for the earlier end: this limit, or the caller's timeout. */
  #limit(limit: Limit, ms: number): void {
    const { until, timeout, timeouts, failures, optimistic } = this.#plan
    const left = until - performance.now()
    stopTimer(this.#timer)
    this.#timer = startDeadline(
      () => {
        const stage = this.#connected ? this.#answers.stage : 'connect'
        if (left <= ms) this.#end(failures.timedOut(timeout, stage))
        else this.#end(failures.late(limit, timeouts[limits[limit]], stage, optimistic))
      },
      coarse(Math.min(left, ms)),
    )
  }

  #end(outcome: Outcome): true {
    const socket = this.#socket
    this.#isOver = true
    stopTimer(this.#timer)
    this.#plan.signal?.removeEventListener('abort', this.#onAbort)
    socket
      .off('connect', this.#onConnect)
      .off('error', this.#onError)
      .off('end', this.#onEnd)
      .off('readable', this.#onReadable)
    if ('error' in outcome) socket.destroy()
    else if (this.#answers.rest.length > 0) socket.unshift(this.#answers.rest)
    this.#ended.resolve(outcome)
    return true
  }
}

/** Returns what a client sends first: its greeting, or everything. */
export function firstMessage(plan: HandshakePlan, request = plan.request): Buffer {
  const { login, optimistic, early } = plan
  const { greeting } = offerOf(plan)
  if (!optimistic || request === undefined) return greeting
  const first = early?.take()
  return Buffer.concat([greeting, ...(login ? [loginOf(login)] : []), request, ...(first ? [first] : [])])
}

/**
 * Timers of equal length share a list in Node, and a list for one timer is expensive. So a long time is rounded up a
 * little.
 */
function coarse(ms: number): number {
  return ms < 1000 ? Math.max(0, Math.ceil(ms)) : Math.ceil(ms / 100) * 100
}

const limits = { connect_timeout: 'connect', first_byte_timeout: 'firstByte', handshake_timeout: 'handshake' } as const
