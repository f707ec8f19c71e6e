/** The requests of a server: each is routed, answered by a function in its frame, and told when it fails. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { MessagePort } from 'node:worker_threads'
import {
  childTrace,
  currentSlot,
  fork,
  type FrameChange,
  type Pid,
  runInFrame,
  parseTrace,
  runInSlot,
  type TroupeError,
} from '@troupe/core'
import { peerOf } from '@troupe/network'
import { currentParticipant, type Participant } from '@troupe/process'
import { type App, appOf, Chains } from './app.ts'
import { limitBody } from './body-limit.ts'
import { answerEvents } from './events.ts'
import { InlineContext, type RequestIn } from './context.ts'
import type { Incoming, Outgoing, ServerEnvironment } from './environment.ts'
import { problem, statusOf } from './failure.ts'
import { type Answer, answerInline, warm } from './inline.ts'
import { LanesByProgram } from './lane/lanes-by-program.ts'
import { RequestCall } from './request-call.ts'
import type { EndpointRoute, RouteTable, ServerSettings } from './table.ts'
import { isWhole, send } from './send.ts'
import { tell, tellFailure } from './tell.ts'
import { type Visitor, Visitors } from './visitors.ts'
import { openSocket, refuseSocket, wantsSocket } from './upgrade.ts'

/** A request, as Node brings it. */
export interface Exchange {
  readonly incoming: Incoming
  readonly outgoing: Outgoing | undefined
}

export class Requests {
  #settings: ServerSettings
  /** Who acts where no request does: the process of the server. */
  readonly #self: Participant
  readonly #chains = new Chains()
  readonly #visitors = new Visitors()
  readonly #threads = new LanesByProgram()
  #app: App | undefined

  constructor(settings: ServerSettings) {
    this.#settings = settings
    this.#self = currentParticipant()
  }

  /** Limits and times are those of `settings` from the next request on. */
  adapt(settings: ServerSettings): void {
    this.#settings = settings
  }

  /** Tells the log something about the server itself. */
  note(level: 'info' | 'warn', message: string): void {
    tell(this.#self, this.#self.frame, level, message, {})
  }

  /** Routes as `table` says, from the next request on; those that are under way go on by the former. */
  async route(table: RouteTable): Promise<void> {
    const inline = table.routers.flatMap(({ endpoints }) => endpoints.filter(({ lanes }) => lanes === 'inline'))
    await warm(inline.map(({ program }) => program))
    this.#threads.prepare(table)
    this.#app = appOf(table, this.#chains, {
      endpoint: (route, context) => this.#endpoint(route, context),
      socket: wantsSocket,
      stream: answerEvents,
      failed: (error, { env, req }) => this.#failed(error, env.call, req.raw),
    })
    this.#threads.keep(table)
  }

  /** A thread that answers requests has sent its port, or has ended. */
  laneArrived(pid: Pid, port: MessagePort): void {
    this.#threads.arrived(pid, port)
  }

  laneEnded(pid: Pid, error: TroupeError): void {
    this.#threads.ended(pid, error)
  }

  /** Answers a request. Never throws, never rejects. */
  answer(request: Request, exchange: Exchange): Answer {
    const { identity } = this.#settings.fields
    const visitor = identity === undefined ? undefined : this.#visitors.of(exchange.incoming.socket)
    if (!(visitor instanceof Promise)) return this.#answer(request, exchange, visitor)
    return visitor.then(
      (known) => this.#answer(request, exchange, known),
      (error: unknown) => this.#failed(error, this.#begin(exchange, undefined).call, request),
    )
  }

  #answer(request: Request, exchange: Exchange, visitor: Visitor | undefined): Answer {
    const { timeouts, limits } = this.#settings.fields
    const environment = this.#begin(exchange, visitor)
    const { call } = environment
    try {
      const tooLarge = limitBody(exchange.incoming, limits.body)
      const answer = this.#routed(request, environment)
      if (answer instanceof Response) return this.#sent(answer, environment, request)
      const wanted = tooLarge === undefined ? answer : Promise.race([answer, tooLarge])
      return call.wait(wanted, timeouts.write).then(
        (response) => this.#sent(response, environment, request),
        (error: unknown) => this.#failed(error, call, request),
      )
    } catch (error) {
      return this.#failed(error, call, request)
    }
  }

  /** Makes a WebSocket of a connection, or answers why not. Never rejects. */
  async upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const exchange = { incoming, outgoing: undefined }
    const asked = { method: 'GET', url: incoming.url ?? '' }
    let environment = this.#begin(exchange, undefined)
    socket.on('error', () => undefined)
    try {
      if (this.#settings.fields.identity !== undefined) environment = this.#begin(exchange, await this.#visitors.of(incoming.socket))
      const request = upgradeRequest(incoming)
      const answer = request === undefined ? problem(400) : this.#routed(request, environment)
      const response = await environment.call.wait(Promise.resolve(answer), this.#settings.fields.timeouts.write)
      if (environment.accepted === undefined || response.status !== 204) await refuseSocket(socket, response)
      else {
        const { error } = await openSocket(environment.accepted, { request: incoming, socket, head })
        if (error !== undefined) this.#failed(error, environment.call, asked)
      }
    } catch (error) {
      await refuseSocket(socket, this.#failed(error, environment.call, asked))
    } finally {
      environment.call.end()
    }
  }

  /** Says that a request failed: to the log why, to the client only of which kind that is. */
  #failed(error: unknown, call: RequestCall, { method, url }: Pick<Request, 'method' | 'url'>): Response {
    const status = statusOf(error)
    // What is still to come of the body is for nobody.
    if (status === 413) call.closeConnection()
    const { frameOfRequest: frame } = call
    tellFailure(call, frame, error, { method, path: pathOf(url), status })
    return problem(status, frame.trace)
  }

  #sent(response: Response, { outgoing, call }: ServerEnvironment['Bindings'], request: Request): Answer {
    if (outgoing === undefined || isWhole(response)) return response
    return send(response, {
      outgoing,
      slot: call.answering ?? { frame: call.frameOfRequest, owner: call },
      patience: this.#settings.fields.timeouts.write,
      onFailed: (error) => this.#failed(error, call, request),
    })
  }

  #begin({ incoming, outgoing }: Exchange, visitor: Visitor | undefined): ServerEnvironment['Bindings'] {
    const { service, fields } = this.#settings
    const { pid, frame: issued } = visitor ?? this.#self
    const { write } = fields.timeouts
    const { traceparent } = incoming.headers
    const change: FrameChange = {
      // None is begun here: it would join requests that nobody wants to be joined.
      ...(typeof traceparent === 'string' && parseTrace(traceparent) && { trace: childTrace(traceparent) }),
      ...(write > 0 && outgoing !== undefined && { deadline: Date.now() + write }),
    }
    const call = new RequestCall({ pid, issued, frame: fork(issued, change), outgoing })
    return { incoming, outgoing, service, peer: peerOf(incoming.socket), call }
  }

  #routed(request: Request, environment: ServerEnvironment['Bindings']): Answer {
    const app = this.#app
    if (app === undefined) return problem(503)
    const { call } = environment
    return runInSlot({ frame: call.frameOfRequest, owner: call }, () => app.fetch(request, environment))
  }

  /** Runs as who acts: the service, or whoever middleware found to ask. */
  #endpoint(route: EndpointRoute, context: RequestIn): Answer {
    const { program, pin, entry, lanes } = route
    context.env.call.answering = currentSlot()
    if (lanes !== 'inline') return this.#threads.answer(route, context)
    const told = new InlineContext(context, entry)
    if (pin === undefined) return answerInline(program, context.req.raw, told)
    const frame = fork(currentSlot()?.frame ?? context.env.call.frameOfRequest, { overlay: pin })
    return runInFrame(frame, () => answerInline(program, context.req.raw, told))
  }
}

/** An upgrade as middleware sees it; nothing where it names no place. */
function upgradeRequest({ headers, url = '/', socket }: IncomingMessage): Request | undefined {
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  const at = `${scheme}://${headers.host ?? 'localhost'}${url}`
  if (!url.startsWith('/') || !URL.canParse(at)) return undefined
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] satisfies [string, string]],
  )
  return new Request(at, { headers: fields })
}

/** Without the query: secrets stand in those. */
function pathOf(url: string): string {
  return URL.parse(url, 'http://localhost')?.pathname ?? ''
}
