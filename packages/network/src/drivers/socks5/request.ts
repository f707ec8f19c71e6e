/**
 * Sends a request through the proxies of a route, one after the other, while the failure of one does not rule out
 * success with the next.
 */
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { connectOwn } from '../../sockets/own-sockets.ts'
import type { Dial, DialOptions, EarlyData, Target } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import type { Failures } from './errors.ts'
import { firstMessage, Handshake, type HandshakePlan, type Outcome, type Success } from './handshake.ts'
import { isolationLogin } from './isolation.ts'
import { type Command, requestOf } from './messages.ts'
import { type ProxyHealth, proxyHealthOf } from './proxy-health.ts'
import { addressOf, defaultTimeouts, proxiesOf, type Proxy, type Socks5Route, type Timeouts } from './route.ts'
import { attemptOnSpare } from './spare-attempt.ts'
import { type Spares, sparesOf } from './spares.ts'

const defaultTimeout = 30_000

export interface ProxyRequest {
  readonly command: Command
  /** Checked and in ASCII. */
  readonly destination: Target
  /** In its place where the proxy is connected over IPv6. */
  readonly destinationOverIpv6?: Target
  readonly failures: Failures
}

export interface Granted {
  readonly socket: Socket
  readonly reply: Success
}

/** @throws TroupeError from the last failure of the proxies. */
export async function sendRequest(
  route: Route,
  question: ProxyRequest,
  options: DialOptions,
  hop: Dial,
): Promise<Granted> {
  const { signal, timeout = defaultTimeout } = options
  const { failures, command, destination, destinationOverIpv6 } = question
  if (signal?.aborted === true) throw failures.canceled().error
  const request = {
    request: requestOf(command, destination),
    ...(destinationOverIpv6 && { requestOverIpv6: requestOf(command, destinationOverIpv6) }),
  }
  const asking = new RequestAttempts(route, options, hop, {
    timeout,
    until: performance.now() + timeout,
    signal,
    failures,
  })
  return asking.run(request, destination)
}

type Caller = Pick<HandshakePlan, 'timeout' | 'until' | 'signal' | 'failures'>

class RequestAttempts {
  readonly #config: Socks5Route
  readonly #known: ProxyHealth
  readonly #spares: Spares | undefined
  readonly #options: DialOptions
  readonly #hop: Dial
  readonly #caller: Caller

  constructor(route: Route, options: DialOptions, hop: Dial, caller: Caller) {
    this.#config = proxiesOf(route)
    this.#known = proxyHealthOf(route.overlay)
    this.#spares = sparesOf(route)
    this.#options = options
    this.#hop = hop
    this.#caller = caller
  }

  async run(request: Pick<HandshakePlan, 'request' | 'requestOverIpv6'>, destination: Target): Promise<Granted> {
    const { isolation = {} } = this.#options
    const key = isolation.key ?? isolation.actor ?? isolation.process ?? destination.host
    const ordered = this.#known.order(this.#config, key)
    for (const proxy of this.#known.due(this.#config)) void this.#check(proxy)
    const { isolate } = this.#config
    let last: Outcome | undefined
    for (const proxy of ordered) {
      const login = isolate ? isolationLogin(isolate, destination, isolation) : proxy.login
      const timeouts = proxy === ordered.at(-1) ? this.#plan.timeouts : this.#sharedTime
      const early = this.#plan.optimistic ? this.#options.early : undefined
      const plan = { ...this.#plan, ...this.#caller, timeouts, login, ...request, early }
      last = (await this.#onSpare(proxy, plan)) ?? (await this.#attempt(proxy, plan))
      this.#mark(proxy, last)
      if (!('error' in last)) return granted(last, this.#caller)
      if (last.blame === 'end' || plan.early?.isSpent === true) break
    }
    throw last && 'error' in last ? last.error : this.#caller.failures.unreachable('no proxy').error
  }

  /**
   * A proxy that hangs leaves half of the caller's time to the next one. If the caller's timeout is short, running out
   * of it is no fault of the proxy.
   */
  get #sharedTime(): Timeouts {
    const { timeouts } = this.#plan
    const left = this.#caller.until - performance.now()
    return left < timeouts.handshake / 2 ? timeouts : { ...timeouts, handshake: Math.min(timeouts.handshake, left / 2) }
  }

  get #plan() {
    const { isolate, optimistic = false, timeouts = defaultTimeouts } = this.#config
    return { isolated: isolate !== undefined, optimistic, timeouts }
  }

  /** Checks whether a proxy that is down sends its greeting again. */
  async #check(proxy: Proxy): Promise<void> {
    const { timeouts } = this.#plan
    const timeout = timeouts.connect + timeouts.firstByte
    const login = this.#config.isolate ? { username: 'check', password: 'check' } : proxy.login
    const caller = { ...this.#caller, signal: undefined, timeout, until: performance.now() + timeout }
    const outcome = await this.#attempt(proxy, { ...this.#plan, ...caller, login, request: undefined })
    if ('socket' in outcome) outcome.socket.destroy()
    this.#mark(proxy, outcome, false)
  }

  /** Returns the outcome on a spare connection; `undefined` without one, or if it was lost. */
  async #onSpare(proxy: Proxy, plan: HandshakePlan): Promise<Outcome | undefined> {
    const { early } = plan
    // A caller that writes before the connection stands does so in a turn of its own.
    if (this.#spares !== undefined && early !== undefined) await turn()
    const spare = this.#spares?.take(proxy)
    if (spare === undefined) return undefined
    // The proxy may have ended the spare, and the dial could not start again.
    if (early?.isOnce === true) return void spare.socket.destroy()
    const outcome = await attemptOnSpare(spare, plan, async (next) => this.#attempt(proxy, next))
    // The others are as old. Nothing of the stream was sent, so the dial starts again.
    if (outcome === undefined) this.#spares?.drop(proxy)
    return outcome
  }

  async #attempt(proxy: Proxy, plan: HandshakePlan): Promise<Outcome> {
    const { via } = this.#config
    if (via === undefined) return new Handshake(connectOwn(addressOf(proxy)), plan).run()
    const { signal } = plan
    const timeout = Math.max(0, Math.min(plan.timeouts.connect, plan.until - performance.now()))
    const early = plan.optimistic && plan.request !== undefined ? new EarlyHandshake(plan) : undefined
    const { early: _own, ...rest } = this.#options
    const options = { ...rest, ...(signal && { signal }), timeout, ...(early && { early }) }
    try {
      const socket = await this.#hop(via, { host: proxy.host, port: proxy.port ?? 0 }, options)
      return await new Handshake(socket, { ...plan, isSent: early?.isTaken === true }).run()
    } catch (error) {
      return plan.failures.hop(error, via.overlay)
    }
  }

  /** A proxy that replied works, whatever it reported about the target. */
  #mark(proxy: Proxy, outcome: Outcome, isProven = true): void {
    const index = this.#config.proxies.indexOf(proxy)
    if (!('error' in outcome) || 'replyCode' in outcome.error.details) {
      this.#known.up(proxy, index, isProven)
      if (isProven) this.#spares?.refill(proxy)
    } else if (outcome.blame === 'proxy') {
      this.#known.down(proxy, index)
      this.#spares?.drop(proxy)
    }
  }
}

/** The messages to a proxy behind another overlay, sent with the request of that overlay. */
class EarlyHandshake implements EarlyData {
  isTaken = false
  readonly #plan: HandshakePlan

  constructor(plan: HandshakePlan) {
    this.#plan = plan
  }

  get isOnce(): boolean {
    return this.#plan.early?.isOnce === true
  }

  get isSpent(): boolean {
    return this.#plan.early?.isSpent === true
  }

  take(): Buffer {
    this.isTaken = true
    return firstMessage(this.#plan)
  }
}

function granted({ socket, reply }: Extract<Outcome, { socket: Socket }>, { signal, failures }: Caller): Granted {
  // The signal may abort between the handshake's end and this line.
  if (signal?.aborted !== true && reply) return { socket, reply }
  socket.destroy()
  throw failures.canceled().error
}
