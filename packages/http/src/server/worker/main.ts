/**
 * A thread that responds to requests for a server, one at a time, in order. It is a process of the function's entry,
 * and acts for the service.
 */
import type { MessagePort } from 'node:worker_threads'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import {
  emptyFrame,
  errorToWire,
  fork,
  invalid,
  isTracing,
  runInSlot,
  type Slot,
  traceChange,
  TroupeError,
} from '@troupe/core'
import { CallSlots } from '@troupe/functions'
import { currentParticipant, currentRuntime, type Participant, type Program } from '@troupe/process'
import { discard } from '../request/discard.ts'
import { hasNoContent, type Head, headOf, findWholeKey, sentWhole, wholeOf } from '../request/response-parts.ts'
import { type Answer, answerInline, warm } from '../request/run-handler.ts'
import { isMalformed, noteMalformed } from '../request/request-body.ts'
import { RequestCall } from '../request/request-call.ts'
import { handlerSpan } from '../request/spans.ts'
import type { RequestContext } from '../request/request-context.ts'
import { NodeRequest, NodeResponse } from './node-messages.ts'
import { BodyReceiver, BodySender } from './body-transfer.ts'
import type { FromWorker, PostedRequest, ToWorker, WorkerReady, WorkerRequest, WorkerRoute } from './protocol.ts'
import { readBody } from './read-body.ts'

/**
 * Responds to the requests from the port until the server closes it. The frame of the process already contains the
 * overlay that the function is pinned to.
 */
export async function worker(port: MessagePort, program: Program): Promise<void> {
  const me = currentParticipant()
  const ended = new Promise<void>((resolve) => {
    port.once('close', resolve)
  })
  const answering = new Answering(port, me)
  await warm([program])
  port.on('message', (message: ToWorker) => {
    answering.onMessage(message)
  })
  port.postMessage({ type: 'ready' } satisfies WorkerReady)
  await ended
}

/** The current request. */
interface Present {
  readonly number: number
  readonly asked: WorkerRequest
  readonly call: RequestCall
  readonly body: BodyReceiver | undefined
  departure?: NodeResponse
  response?: BodySender
}

class Answering {
  readonly #port: MessagePort
  readonly #me: Participant
  /** A request that arrived whole is read and written as in the server's thread, which is the fastest way. */
  readonly #listen: ReturnType<typeof getRequestListener>
  readonly #routes: WorkerRoute[] = []
  /** Requests that wait behind the current one, each with its route. */
  readonly #waiting: (readonly [PostedRequest, WorkerRoute])[] = []
  #slots = new CallSlots()
  #present: Present | undefined
  #isBeginning = false

  constructor(port: MessagePort, me: Participant) {
    this.#port = port
    this.#me = me
    this.#listen = getRequestListener((request) => this.#handle(request))
    findWholeKey()
  }

  onMessage(message: ToWorker): void {
    if (isRequests(message)) {
      for (const posted of message) {
        const route = this.#routes[posted[2]]
        if (route !== undefined) this.#waiting.push([posted, route])
      }
      this.#beginNext()
      return
    }
    if (message.type === 'board') {
      this.#slots = new CallSlots(message.memory)
      return
    }
    if (message.type === 'route') {
      this.#routes[message.number] = message.route
      return
    }
    const present = this.#present
    if (present?.number !== message.number) return
    if (message.type === 'cancel') {
      present.call.cancel(message.reason)
      present.departure?.emit('close')
      runInSlot(slotOf(present), () => present.response?.stop(message.reason))
    } else if (message.type === 'sent') present.body?.onPart(message.part)
    // Reading on runs code of the handler: under the identity of the request, not of the sender of this message.
    else runInSlot(slotOf(present), () => present.response?.onPart(message.part))
  }

  /** Begins the next request that the server has not taken back, and those that follow while each ends at once. */
  #beginNext(): void {
    if (this.#isBeginning) return
    this.#isBeginning = true
    while (this.#present === undefined) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      const [posted, route] = next
      const [number, place] = posted
      if (this.#slots.takeUp(place, number)) this.#begin(number, requestOf(posted, route))
    }
    this.#isBeginning = false
  }

  #begin(number: number, asked: WorkerRequest): void {
    const { deadline, trace, rare } = asked
    const session = rare?.session
    const { pid, frame: issued } =
      session === undefined ? this.#me : { pid: session.pid, frame: fork(emptyFrame, session.frame) }
    const own = fork(issued, {
      ...(deadline !== undefined && { deadline }),
      ...traceChange({ trace, traceState: rare?.traceState }),
    })
    const span = isTracing() && trace !== undefined ? handlerSpan(asked.route.endpoint, own) : undefined
    const frame = span === undefined ? own : fork(own, traceChange(span))
    const call = new RequestCall({ pid, issued, frame, outgoing: undefined })
    const body =
      asked.body === 'stream'
        ? new BodyReceiver((part, transfer = []) => this.#post({ type: 'wanted', number, part }, transfer))
        : undefined
    const present: Present = { number, asked, call, body }
    if (span !== undefined) call.onEnd(() => span.end())
    this.#present = present
    if (session !== undefined) currentRuntime().tasks.enter(call)
    const answering = body === undefined ? this.#answerWhole(present) : this.#answerStream(present, body)
    // Any failure is reported to the server, and the next request may come.
    answering.catch((error: unknown) => this.#failed(present, error))
  }

  /** Responds to a request that is in memory as a whole, as in the server's thread, which is the fastest way. */
  async #answerWhole(present: Present): Promise<void> {
    const arrival = new NodeRequest(present.asked)
    present.departure = new NodeResponse(arrival)
    present.departure.slot = slotOf(present)
    await this.#listen(arrival, present.departure)
    // hono has responded by itself: it does not recognise the request.
    if (this.#present === present) throw invalid('the request is invalid')
  }

  /** Responds to a request whose body is a stream. */
  async #answerStream(present: Present, body: BodyReceiver): Promise<void> {
    await this.#handle(streamedRequest(present.asked, body, present.call))
  }

  /** Handles the request. When it is finished, returns the value that signals this to hono. */
  #handle(request: Request): Answer {
    const present = this.#present
    if (present === undefined) throw new TroupeError('Internal', 'there is no current request')
    const { call, asked } = present
    try {
      noteMalformed(request)
      const handled = runInSlot(slotOf(present), () => answerInline(asked.route.program, request, contextOf(asked)))
      if (handled instanceof Response) return this.#answered(present, handled)
      return call.wait(handled, 0).then(
        (response) => this.#answered(present, response),
        (error: unknown) => this.#failed(present, error),
      )
    } catch (error) {
      return this.#failed(present, error)
    }
  }

  #answered(present: Present, response: Response): Answer {
    try {
      const whole = wholeOf(response)
      const head = whole === undefined ? headOf(response.status, response.headers) : headOf(whole.status, whole.fields)
      if (whole !== undefined) {
        this.#whole(present, head, whole.body ?? undefined)
        this.#beginNext()
        return sentWhole()
      }
      if (present.call.isCancelled || present.asked.method === 'HEAD' || hasNoContent(head.status)) {
        runInSlot(slotOf(present), () => discard(response))
        this.#whole(present, head, undefined)
        this.#beginNext()
        return RESPONSE_ALREADY_SENT
      }
      return runInSlot(slotOf(present), async () => this.#stream(present, head, response)).then(
        (sent) => {
          this.#beginNext()
          return sent
        },
        (error: unknown) => this.#failed(present, error),
      )
    } catch (error) {
      return this.#failed(present, error)
    }
  }

  #failed(present: Present, thrown: unknown): Response {
    if (this.#present !== present) {
      present.call.logLate(thrown)
      return RESPONSE_ALREADY_SENT
    }
    const error = isMalformed(thrown) ? invalid(`the body of the request is malformed: ${String(thrown)}`) : thrown
    this.#post({ type: 'failed', number: present.number, error: errorToWire(error) })
    this.#finish(present)
    this.#post({ type: 'free', number: present.number })
    this.#beginNext()
    return RESPONSE_ALREADY_SENT
  }

  #whole(present: Present, head: Head, body: string | Uint8Array | undefined): void {
    this.#finish(present)
    const whole = body instanceof Uint8Array ? new Uint8Array(body) : body
    this.#post([present.number, head.status, fieldsOf(head), whole])
  }

  /** Sends a response whose body is a stream, unless the whole body is already in memory. */
  async #stream(present: Present, head: Head, response: Response): Promise<Response> {
    const { number } = present
    const { whole, rest } = await readBody(response)
    if (rest === undefined) {
      this.#whole(present, head, whole)
      return RESPONSE_ALREADY_SENT
    }
    const sender = new BodySender(rest, (part, transfer = []) => this.#post({ type: 'sent', number, part }, transfer))
    present.response = sender
    // The request was cancelled while the available part was read.
    if (present.call.isCancelled) sender.stop('the request was cancelled')
    this.#post([number, head.status, fieldsOf(head), { type: 'stream' }])
    await sender.over
    this.#finish(present)
    this.#post({ type: 'free', number })
    return RESPONSE_ALREADY_SENT
  }

  #finish({ asked: { rare }, call }: Present): void {
    const session = rare?.session
    call.end()
    this.#present = undefined
    if (session === undefined) return
    currentRuntime().tasks.leave(call)
    currentRuntime().kernel.notify({ type: 'finished', pid: session.pid, exit: { value: undefined } })
  }

  #post(message: FromWorker, transfer?: readonly ArrayBuffer[]): void {
    if (transfer === undefined) this.#port.postMessage(message)
    else this.#port.postMessage(message, [...transfer])
  }
}

function slotOf({ call }: Present): Slot {
  return { frame: call.frameOfRequest, owner: call }
}

function streamedRequest(asked: WorkerRequest, body: BodyReceiver, call: RequestCall): Request {
  const { method, headers, isSecure, url } = asked
  const fields = new Headers()
  for (let index = 0; index < headers.length; index += 2) fields.append(headers[index] ?? '', headers[index + 1] ?? '')
  const host = fields.get('host') ?? 'localhost'
  return new Request(url.startsWith('/') ? `${isSecure ? 'https' : 'http'}://${host}${url}` : url, {
    method,
    headers: fields,
    signal: call.signal,
    body: body.stream,
    duplex: 'half',
  })
}

function fieldsOf({ fields, length }: Head): Head['fields'] {
  if (length !== undefined) fields['content-length'] = String(length)
  return fields
}

function contextOf({ params = {}, rare, remoteAddress, route: { service, endpoint } }: WorkerRequest): RequestContext {
  return { params, peer: rare?.peer, remoteAddress, certificate: rare?.certificate, service, endpoint }
}

function isRequests(message: ToWorker): message is readonly PostedRequest[] {
  return Array.isArray(message)
}

function requestOf(posted: PostedRequest, route: WorkerRoute): WorkerRequest {
  const [, , , method, url, isSecure, headers, body, params, remoteAddress, deadline, trace, rare] = posted
  return { route, method, url, isSecure, headers, body, params, remoteAddress, deadline, trace, rare }
}
