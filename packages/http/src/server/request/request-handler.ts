/** The requests of a server: routes each, runs a function in its frame, and reports failures. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { currentSlot, type Pid, runInSlot, type TroupeError } from '@troupe/core'
import { currentParticipant, type Participant } from '@troupe/process'
import { clientAddress } from '../../middleware/client-address.ts'
import { parseAddress } from '../listener/address.ts'
import { type Router, routerOf, MiddlewareChains } from '../routing/router.ts'
import { followResponse, logUpgrade } from './access-log.ts'
import { limitBody, noteMalformed, errorForLog } from './request-body.ts'
import type { RequestCounter } from '../counts/request-counter.ts'
import { ChannelCounts } from './channel-limits.ts'
import { answerEvents } from './event-stream.ts'
import { InlineContext, type RequestIn } from './handler-context.ts'
import { discard } from './discard.ts'
import {
  type Incoming,
  type ServerEnvironment,
  type RequestCall,
  beginRequest,
  type NodeExchange,
} from './request-call.ts'
import { failed } from './failed.ts'
import { problem } from './problem.ts'
import { authorityOf, HostNames, isRoutable } from '../routing/host-names.ts'
import { type Answer, answerInline, warm } from './run-handler.ts'
import { PoolsByProgram } from '../worker/pools-by-program.ts'
import { breakOff } from './outgoing.ts'
import { ProxiedClients } from './proxied-clients.ts'
import type { EndpointRoute, RouteTable, ServerSettings } from '../routing/route-table.ts'
import { send } from './write-response.ts'
import { upgradeRequest } from './target.ts'
import { logLine } from './log.ts'
import { middlewareContext } from '../routing/middleware-context.ts'
import { type PeerIdentity, PeerIdentities } from './peer-identity.ts'
import { openSocket, refuseSocket, wantsSocket } from './upgrade.ts'
import { isEventStream } from './response-parts.ts'

export class RequestHandler {
  #settings: ServerSettings
  readonly #counter: RequestCounter
  /** The identity that acts outside of requests: the process of the server. */
  readonly #self: Participant
  readonly #chains = new MiddlewareChains()
  readonly #identities = new PeerIdentities()
  readonly #threads = new PoolsByProgram(() => this.#settings.fields.maxIsolationKeys)
  readonly #hosts: HostNames
  readonly #channels = new ChannelCounts()
  #proxies: ProxiedClients
  #router: Router | undefined

  constructor(settings: ServerSettings, counter: RequestCounter) {
    this.#settings = settings
    this.#counter = counter
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
    this.#counter.route(table)
    this.#router = routerOf(table, this.#chains, {
      endpoint: (route, context) => this.#endpoint(route, context),
      socket: wantsSocket,
      stream: async (eventsRoute, context) => {
        context.env.route = eventsRoute
        this.#count(context)
        return answerEvents(eventsRoute, context)
      },
      failed: (error, { env, req }) => failed(errorForLog(error, env.incoming), env.call, req.raw),
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
    return (
      request !== undefined &&
      this.#hosts.accepts(incoming.headers.host ?? '') &&
      this.#router?.isForSocket(request) === true
    )
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

  /** Refuses requests that are not for this service, and methods that no server should carry out for its clients. */
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
    const [identity] =
      this.#settings.fields.identity === undefined
        ? []
        : await Promise.allSettled([Promise.try(() => this.#identities.of(incoming.socket))])
    const environment = this.#begin(exchange, identity?.status === 'fulfilled' ? identity.value : undefined)
    try {
      if (identity?.status === 'rejected') {
        await refuseSocket(socket, failed(identity.reason, environment.call, asked))
        return
      }
      const request = upgradeRequest(incoming)
      const answer = request === undefined ? problem(400) : this.#routed(request, environment)
      const response = await environment.call.wait(Promise.resolve(answer), this.#settings.fields.timeouts.write)
      const isAccepted = environment.accepted !== undefined && response.status === 204
      const status = isAccepted ? 101 : response.status
      this.#counter.upgraded(environment, status)
      logUpgrade(environment, this.#settings.fields, status)
      if (environment.accepted === undefined || !isAccepted) await refuseSocket(socket, response)
      else {
        const { remoteAddress } = environment.accepted
        const close = this.#channels.open(remoteAddress, this.#settings.fields.limits)
        socket.once('close', close)
        if (socket.destroyed) close()
        const isOwnPage = this.#hosts.isOwn(incoming.headers.host ?? '')
        const { error } = await openSocket(environment.accepted, { request: incoming, socket, head, isOwnPage })
        if (error !== undefined) failed(error, environment.call, asked)
      }
    } catch (error) {
      await refuseSocket(socket, failed(error, environment.call, asked))
    } finally {
      environment.call.end()
    }
  }

  /** Returns the response to a failed request. */
  #refused(error: unknown, environment: ServerEnvironment['Bindings'], request: Request): Answer {
    const { call, incoming } = environment
    return this.#sent(failed(errorForLog(error, incoming), call, request), environment, request)
  }

  /** Sends a response, or an error if it cannot be sent. */
  #sent(response: Response, environment: ServerEnvironment['Bindings'], request: Request): Answer {
    try {
      const sent = this.#send(response, environment, request)
      return sent instanceof Response
        ? sent
        : sent.catch((error: unknown) => this.#unsent(error, response, environment, request))
    } catch (error) {
      return this.#unsent(error, response, environment, request)
    }
  }

  #unsent(error: unknown, response: Response, environment: ServerEnvironment['Bindings'], request: Request): Answer {
    discard(response)
    const problem = failed(error, environment.call, request)
    try {
      return this.#send(problem, environment, request)
    } catch {
      if (environment.outgoing !== undefined) breakOff(environment.outgoing)
      return problem
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
      onFailed: (error) => failed(error, call, request),
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
    call.onEnd(
      this.#channels.open(client ?? peer?.address ?? incoming.socket.remoteAddress, this.#settings.fields.limits),
    )
  }

  #begin(exchange: NodeExchange, peerIdentity: PeerIdentity | undefined): ServerEnvironment['Bindings'] {
    const environment = beginRequest(exchange, peerIdentity ?? this.#self, this.#settings)
    if (exchange.outgoing !== undefined) exchange.outgoing.routed = environment
    followResponse(environment, this.#settings.fields)
    return environment
  }

  #routed(request: Request, environment: ServerEnvironment['Bindings']): Answer {
    const router = this.#router
    if (router === undefined) return problem(503)
    const { call } = environment
    return runInSlot(call.answering, () => router.fetch(request, environment))
  }

  /** Runs under the identity that acts: the service, or the caller that middleware authenticated. */
  #endpoint(route: EndpointRoute, context: RequestIn): Answer {
    const { program, entry, pool } = route
    context.env.route = route
    const slot = currentSlot()
    if (slot !== undefined) context.env.call.answering = slot
    if (pool !== 'inline' || (route.ofActors !== undefined && this.#threads.isOfActor(route)))
      return this.#threads.answer(route, context)
    return answerInline(program, context.req.raw, new InlineContext(context, entry))
  }
}
