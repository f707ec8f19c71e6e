/**
 * Sends a request through the proxies of a route, one after the other, while the failure of one does not rule out
 * success with the next.
 */
import type { Socket } from 'node:net'
import { connectOwn } from '../../sockets/own-sockets.ts'
import type { Dial, DialOptions, Target } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import type { Failures } from './errors.ts'
import { Handshake, type HandshakePlan, type Outcome, type Success } from './handshake.ts'
import { isolationLogin } from './isolation.ts'
import { type Command, requestOf } from './messages.ts'
import { type ProxyHealth, proxyHealthOf } from './proxy-health.ts'
import { defaultTimeouts, proxiesOf, type Proxy, type Socks5Route, type Timeouts, unixPrefix } from './route.ts'

const defaultTimeout = 30_000

export interface ProxyRequest {
  readonly command: Command
  /** Checked and in ASCII. */
  readonly destination: Target
  readonly failures: Failures
}

export interface Granted {
  readonly socket: Socket
  readonly reply: Success
}

/** @throws TroupeError from the last failure of the proxies. */
export async function sendRequest(route: Route, question: ProxyRequest, options: DialOptions, hop: Dial): Promise<Granted> {
  const { signal, timeout = defaultTimeout } = options
  const { failures, destination } = question
  if (signal?.aborted === true) throw failures.canceled().error
  const request = requestOf(question.command, destination)
  const asking = new RequestAttempts(route, options, hop, { timeout, until: performance.now() + timeout, signal, failures })
  return asking.run(request, destination)
}

type Caller = Pick<HandshakePlan, 'timeout' | 'until' | 'signal' | 'failures'>

class RequestAttempts {
  readonly #config: Socks5Route
  readonly #known: ProxyHealth
  readonly #options: DialOptions
  readonly #hop: Dial
  readonly #caller: Caller

  constructor(route: Route, options: DialOptions, hop: Dial, caller: Caller) {
    this.#config = proxiesOf(route)
    this.#known = proxyHealthOf(route.overlay)
    this.#options = options
    this.#hop = hop
    this.#caller = caller
  }

  async run(request: Buffer, destination: Target): Promise<Granted> {
    const { isolation = {} } = this.#options
    const key = isolation.key ?? isolation.actor ?? isolation.process ?? destination.host
    const ordered = this.#known.order(this.#config, key)
    for (const proxy of this.#known.due(this.#config)) void this.#check(proxy)
    const { isolate } = this.#config
    let last: Outcome | undefined
    for (const proxy of ordered) {
      const login = isolate ? isolationLogin(isolate, destination, isolation) : proxy.login
      const timeouts = proxy === ordered.at(-1) ? this.#plan.timeouts : this.#sharedTime
      last = await this.#attempt(proxy, { ...this.#plan, ...this.#caller, timeouts, login, request })
      this.#mark(proxy, last)
      if (!('error' in last)) return granted(last, this.#caller)
      if (last.blame === 'end') break
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

  async #attempt(proxy: Proxy, plan: HandshakePlan): Promise<Outcome> {
    const { via } = this.#config
    if (via === undefined) return new Handshake(connectOwn(addressOf(proxy)), plan).run()
    const { signal } = plan
    const timeout = Math.max(0, Math.min(plan.timeouts.connect, plan.until - performance.now()))
    const options = { ...this.#options, ...(signal && { signal }), timeout }
    try {
      return await new Handshake(await this.#hop(via, { host: proxy.host, port: proxy.port ?? 0 }, options), plan).run()
    } catch (error) {
      return plan.failures.hop(error, via.overlay)
    }
  }

  /** A proxy that replied works, whatever it reported about the target. */
  #mark(proxy: Proxy, outcome: Outcome, isProven = true): void {
    const index = this.#config.proxies.indexOf(proxy)
    if (!('error' in outcome) || 'replyCode' in outcome.error.details) this.#known.up(proxy, index, isProven)
    else if (outcome.blame === 'proxy') this.#known.down(proxy, index)
  }
}

function granted({ socket, reply }: Extract<Outcome, { socket: Socket }>, { signal, failures }: Caller): Granted {
  // The signal may abort between the handshake's end and this line.
  if (signal?.aborted !== true && reply) return { socket, reply }
  socket.destroy()
  throw failures.canceled().error
}

/** Returns where a proxy listens, in the form of Node's connect options. */
export function addressOf({ host, port = 0 }: Proxy) {
  return host.startsWith(unixPrefix) ? { path: host.slice(unixPrefix.length), port } : { host, port }
}
