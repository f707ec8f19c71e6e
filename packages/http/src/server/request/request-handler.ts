/** The requests of a server: routes each, runs a function in its frame, and reports failures. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { childTrace, currentSlot, fork, type FrameChange, type Pid, parseTrace, runInSlot, type TroupeError } from '@troupe/core'
import { peerOf } from '@troupe/network'
import { currentParticipant, type Participant } from '@troupe/process'
import { clientAddress } from '../../middleware/client-address.ts'
import { parseAddress } from '../listener/address.ts'
import { type Router, routerOf, MiddlewareChains } from '../routing/router.ts'
import { limitBody } from './body-limit.ts'
import { ChannelCounts } from './channel-limits.ts'
import { answerEvents } from './event-stream.ts'
import { InlineContext, type RequestIn } from './handler-context.ts'
import { discard } from './discard.ts'
import type { Incoming, ServerEnvironment } from './bindings.ts'
import { problem, statusOf } from './problem.ts'
import { HostNames } from '../routing/host-names.ts'
import { type Answer, answerInline, warm } from './run-handler.ts'
import { PoolsByProgram } from '../worker/pools-by-program.ts'
import { noteMalformed } from './malformed.ts'
import { toldOf } from './lost-body.ts'
import { breakOff, type Outgoing } from './outgoing.ts'
import { ProxiedClients } from './proxied-clients.ts'
import { RequestCall } from './request-call.ts'
import type { EndpointRoute, RouteTable, ServerSettings } from '../routing/route-table.ts'
import { send } from './write-response.ts'
import { authorityOf, isRoutable, upgradeRequest } from './target.ts'
import { logLine, logFailure } from './log.ts'
import { middlewareContext } from '../routing/middleware-context.ts'
import { type PeerIdentity, PeerIdentities } from './peer-identity.ts'
import { openSocket, refuseSocket, wantsSocket } from './upgrade.ts'
import { wholeOf } from './whole-response.ts'

/** A request, as Node provides it. */
export interface NodeExchange {
  readonly incoming: Incoming
  readonly outgoing: Outgoing | undefined
  /** The client's address, where a trusted proxy reports it. */
  readonly client?: string | undefined
}

export class RequestHandler {
  #settings: ServerSettings
  /** The identity that acts outside of requests: the process of the server. */
  readonly #self: Participant
  readonly #chains = new MiddlewareChains()
  readonly #identities = new PeerIdentities()
  readonly #threads = new PoolsByProgram(() => this.#settings.fields.maxIsolationKeys)
  readonly #hosts: HostNames
  readonly #channels = new ChannelCounts()
  #proxies: ProxiedClients
  #router: Router | undefined

  constructor(settings: ServerSettings) {
    this.#settings = settings
    this.#self = currentParticipant()
    const { addr, hosts, trustedProxies } = settings.fields
    this.#hosts = new HostNames({ hosts, host: parseAddress(addr).host, isOverlay: settings.network !== null })
    this.#proxies = new ProxiedClients(trustedProxies, [])
  }

  /** Adds names by which a service on an overlay is reached there. */
  learn(names: readonly string[]): void {
    this.#hosts.learn(names)
  }

  /** Reads the proxy fields of a request before any other code uses it: they apply from here on. */
  read(incoming: Incoming): string | undefined {
    return this.#proxies.read(incoming)
  }

  /** Uses the limits and times of `settings` from the next request on. */
  adapt(settings: ServerSettings): void {
    this.#settings = settings
  }

  /** Logs a message about the server itself. */
  note(level: 'info' | 'warn', message: string): void {
    logLine(this.#self, this.#self.frame, level, message, {})
  }

  /** Uses the routes of `table` from the next request on; pending requests keep the former ones. */
  async route(table: RouteTable): Promise<void> {
    const inline = table.routers.flatMap(({ endpoints }) => endpoints.filter(({ pool }) => pool === 'inline'))
    await warm(inline.map(({ program }) => program))
    this.#threads.prepare(table)
    const named = table.routers.flatMap(({ options }) => options.realIp?.trusted ?? [])
    this.#proxies = new ProxiedClients(this.#settings.fields.trustedProxies, named)
    this.#router = routerOf(table, this.#chains, {
      endpoint: (route, context) => this.#endpoint(route, context),
      socket: wantsSocket,
      stream: async (eventsRoute, context) => {
        this.#count(context)
        return answerEvents(eventsRoute, context)
      },
      failed: (error, { env, req }) => this.#failed(toldOf(error, env.incoming), env.call, req.raw),
    })
    this.#threads.keep(table)
  }

  /** Handles the end of a thread that responds to requests. */
  workerEnded(pid: Pid, error: TroupeError): void {
    this.#threads.ended(pid, error)
  }

  /**
   * Returns whether an upgrade is for a WebSocket of this service: any other gets a normal response (RFC 9110, 7.8).
   */
  takesSocket(incoming: IncomingMessage): boolean {
    if (incoming.method !== 'GET') return false
    const request = upgradeRequest(incoming)
    return request !== undefined && this.#hosts.accepts(incoming.headers.host ?? '') && this.#router?.isForSocket(request) === true
  }

  /** Responds to a request. Never throws, never rejects. */
  answer(request: Request, exchange: NodeExchange): Answer {
    const { identity } = this.#settings.fields
    try {
      const peerIdentity = identity === undefined ? undefined : this.#identities.of(exchange.incoming.socket)
      if (!(peerIdentity instanceof Promise)) return this.#answer(request, exchange, peerIdentity)
      return peerIdentity.then(
        (known) => this.#answer(request, exchange, known),
        (error: unknown) => this.#refused(error, this.#begin(exchange, undefined), request),
      )
    } catch (error) {
      return this.#refused(error, this.#begin(exchange, undefined), request)
    }
  }

  #answer(request: Request, exchange: NodeExchange, peerIdentity: PeerIdentity | undefined): Answer {
    const { timeouts, limits } = this.#settings.fields
    const environment = this.#begin(exchange, peerIdentity)
    const { call } = environment
    try {
      noteMalformed(request)
      const refusal = this.#refusal(request, exchange, call)
      if (refusal !== undefined) return this.#sent(refusal, environment, request)
      const fails = limitBody(exchange.incoming, { bytes: limits.body, milliseconds: timeouts.read })
      const answer = this.#routed(request, environment)
      if (answer instanceof Response) return this.#sent(answer, environment, request)
      return call.wait(answer, timeouts.write, fails).then(
        (response) => this.#sent(response, environment, request),
        (error: unknown) => this.#refused(error, environment, request),
      )
    } catch (error) {
      return this.#refused(error, environment, request)
    }
  }

  /** Refuses requests that are not for this service, and methods that no server should carry out for strangers. */
  #refusal(request: Request, { incoming }: NodeExchange, call: RequestCall): Response | undefined {
    if (!isRoutable(incoming)) return problem(501)
    if (this.#hosts.accepts(authorityOf(request, incoming))) return undefined
    call.closeConnection()
    return problem(421)
  }

  /** Turns a connection into a WebSocket, or responds with the reason for a refusal. Never rejects. */
  async upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => undefined)
    try {
      await this.#upgrade(incoming, socket, head)
    } catch (error) {
      // Not even the refusal could be written.
      this.note('warn', `an upgrade failed: ${String(error)}`)
      socket.destroy()
    }
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const exchange = { incoming, outgoing: undefined }
    const asked = { method: 'GET', url: incoming.url ?? '' }
    let environment = this.#begin(exchange, undefined)
    try {
      if (this.#settings.fields.identity !== undefined) environment = this.#begin(exchange, await this.#identities.of(incoming.socket))
      const request = upgradeRequest(incoming)
      const answer = request === undefined ? problem(400) : this.#routed(request, environment)
      const response = await environment.call.wait(Promise.resolve(answer), this.#settings.fields.timeouts.write)
      if (environment.accepted === undefined || response.status !== 204) await refuseSocket(socket, response)
      else {
        const { remoteAddress } = environment.accepted
        const close = this.#channels.open(remoteAddress, this.#settings.fields.limits)
        socket.once('close', close)
        if (socket.destroyed) close()
        const isOwnPage = this.#hosts.isOwn(incoming.headers.host ?? '')
        const { error } = await openSocket(environment.accepted, { request: incoming, socket, head, isOwnPage })
        if (error !== undefined) this.#failed(error, environment.call, asked)
      }
    } catch (error) {
      await refuseSocket(socket, this.#failed(error, environment.call, asked))
    } finally {
      environment.call.end()
    }
  }

  /** Handles a failed request: logs the reason, and sends the client only the kind of error. */
  #failed(error: unknown, call: RequestCall, { method, url }: Pick<Request, 'method' | 'url'>): Response {
    const status = statusOf(error)
    // The rest of the body is not read.
    if (status === 413 || status === 408) call.stopReading()
    const { frameOfRequest: frame } = call
    logFailure(call, frame, error, { method, path: pathOf(url), status })
    return problem(status, frame.trace)
  }

  /** Returns the response to a failed request. */
  #refused(error: unknown, environment: ServerEnvironment['Bindings'], request: Request): Answer {
    const { call, incoming } = environment
    return this.#sent(this.#failed(toldOf(error, incoming), call, request), environment, request)
  }

  /** Sends a response, or an error if it cannot be sent. */
  #sent(response: Response, environment: ServerEnvironment['Bindings'], request: Request): Answer {
    try {
      const sent = this.#send(response, environment, request)
      return sent instanceof Response ? sent : sent.catch((error: unknown) => this.#unsent(error, response, environment, request))
    } catch (error) {
      return this.#unsent(error, response, environment, request)
    }
  }

  #unsent(error: unknown, response: Response, environment: ServerEnvironment['Bindings'], request: Request): Answer {
    discard(response)
    const failed = this.#failed(error, environment.call, request)
    try {
      return this.#send(failed, environment, request)
    } catch {
      if (environment.outgoing !== undefined) breakOff(environment.outgoing)
      return failed
    }
  }

  #send(response: Response, environment: ServerEnvironment['Bindings'], request: Request): Answer {
    const { outgoing, call } = environment
    if (outgoing === undefined) return response
    this.#countEvents(response, environment)
    return send(response, {
      outgoing,
      isHead: request.method === 'HEAD',
      slot: call.answering,
      patience: this.#settings.fields.timeouts.write,
      onFailed: (error) => this.#failed(error, call, request),
    })
  }

  /** Counts a WebSocket or an event stream that begins. @throws TroupeError `Unavailable`, `RateLimited` */
  #count(context: RequestIn): void {
    if (context.req.raw.method === 'HEAD') return
    context.env.isCounted = true
    context.env.call.onEnd(this.#channels.open(clientAddress(context, middlewareContext), this.#settings.fields.limits))
  }

  /** Event streams of handlers count, too. */
  #countEvents(response: Response, environment: ServerEnvironment['Bindings']): void {
    const { isCounted, call, client, peer, incoming } = environment
    if (isCounted === true || !isEventStream(response)) return
    environment.isCounted = true
    call.onEnd(this.#channels.open(client ?? peer?.address ?? incoming.socket.remoteAddress, this.#settings.fields.limits))
  }

  #begin({ incoming, outgoing, client }: NodeExchange, peerIdentity: PeerIdentity | undefined): ServerEnvironment['Bindings'] {
    const { service, fields } = this.#settings
    const { pid, frame: issued } = peerIdentity ?? this.#self
    const { write } = fields.timeouts
    const { traceparent } = incoming.headers
    const change: FrameChange = {
      // No trace begins here: it would link requests that may have to stay unlinked.
      ...(typeof traceparent === 'string' && parseTrace(traceparent) && { trace: childTrace(traceparent) }),
      ...(write > 0 && outgoing !== undefined && { deadline: Date.now() + write }),
    }
    const call = new RequestCall({ pid, issued, frame: fork(issued, change), outgoing })
    return { incoming, outgoing, service, peer: peerOf(incoming.socket), client, call }
  }

  #routed(request: Request, environment: ServerEnvironment['Bindings']): Answer {
    const router = this.#router
    if (router === undefined) return problem(503)
    const { call } = environment
    return runInSlot({ frame: call.frameOfRequest, owner: call }, () => router.fetch(request, environment))
  }

  /** Runs under the identity that acts: the service, or the caller that middleware authenticated. */
  #endpoint(route: EndpointRoute, context: RequestIn): Answer {
    const { program, entry, pool } = route
    const slot = currentSlot()
    if (slot !== undefined) context.env.call.answering = slot
    if (pool !== 'inline' || this.#threads.isOfActor(route)) return this.#threads.answer(route, context)
    return answerInline(program, context.req.raw, new InlineContext(context, entry))
  }
}

function isEventStream(response: Response): boolean {
  return wholeOf(response) === undefined && response.headers.get('content-type')?.startsWith('text/event-stream') === true
}

/** Returns the path without the query, which may contain secrets. */
function pathOf(url: string): string {
  return URL.parse(url, 'http://localhost')?.pathname ?? ''
}
