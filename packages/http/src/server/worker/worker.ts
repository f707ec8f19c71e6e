/**
 * A thread that responds to requests, from the side of its server: the requests that it was given, in order. The first
 * of them runs. While requests take almost no time, some more wait behind it in the thread itself; their number is the
 * window. The server can take them back until the thread begins them.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { type EntryId, errorFromWire, type Pid, TroupeError } from '@troupe/core'
import { CallSlots, slotCount } from '@troupe/functions'
import { BodyReceiver, BodySender } from './body-transfer.ts'
import type {
  FromWorker,
  PostedRequest,
  PostedResponse,
  ResponseFields,
  ToWorker,
  WorkerRequest,
  WorkerRoute,
} from './protocol.ts'

/** Milliseconds within which requests must end one after another for the window to grow; otherwise it shrinks. */
const growWithin = 0.2
const maxWindow = 16
const maxNumber = 0x7fffffff
/** Milliseconds that requests wait behind one that does not end, before they are taken back. */
const stallTime = 5

/** A request and its outcome. */
export interface Task {
  readonly resolve: (response: Response) => void
  readonly reject: (error: unknown) => void
}

/** A request in the thread. */
interface Post {
  readonly place: number
  readonly number: number
  readonly sender: BodySender | undefined
  receiver?: BodyReceiver
}

export interface RequestWorkerEvents<T extends Task> {
  /** Called when a request has ended. */
  readonly onEnd: (worker: RequestWorker<T>) => void
  /** Called when its thread has ended, with the requests that it had not begun, except those with a streamed body. */
  readonly onGone: (worker: RequestWorker<T>, unbegun: readonly T[]) => void
}

export class RequestWorker<T extends Task> {
  readonly pid: Pid
  /** By the clock of `performance`. */
  idleSince = 0
  readonly #port: MessagePort
  readonly #events: RequestWorkerEvents<T>
  readonly #slots = new CallSlots()
  readonly #places = Array.from({ length: slotCount }, (_, place) => place)
  /** The routes that the thread knows, by endpoint. */
  readonly #routes = new Map<EntryId, { readonly number: number; readonly route: WorkerRoute }>()
  readonly #posts = new Map<T, Post>()
  readonly #tasks = new Map<number, T>()
  /** Requests that it was given in this turn of the event loop. They are posted together, which wakes it once. */
  #outbox: PostedRequest[] = []
  #number = 0
  #window = 1
  #lastEnd = 0
  #isGone = false

  constructor(pid: Pid, port: MessagePort, events: RequestWorkerEvents<T>) {
    this.pid = pid
    this.#port = port
    this.#events = events
    this.#post({ type: 'board', memory: this.#slots.memory })
    port.on('message', (message: FromWorker) => {
      this.#onMessage(message)
      // An event for each message costs more than most messages.
      for (let next = received(port); next !== undefined; next = received(port)) this.#onMessage(next.message)
    })
    port.once('close', () => {
      this.#isGone = true
      const unbegun = this.#withdrawn(0)
      this.#fail(new TroupeError('Internal', 'the thread ended while it handled the request'))
      events.onGone(this, unbegun)
    })
  }

  /** Returns whether its thread has ended. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** Returns the number of requests that it was given and that have not ended. */
  get size(): number {
    return this.#tasks.size
  }

  /** Returns how many more requests it accepts: none before half of its window is free, so that it gets batches. */
  get room(): number {
    return this.#isGone || this.size > this.#window / 2 ? 0 : this.#window - this.size
  }

  /** Returns whether its current request has run for long. */
  isStalled(now: number): boolean {
    return this.size > 1 && now - this.#lastEnd > stallTime
  }

  has(task: T): boolean {
    return this.#posts.has(task)
  }

  /** Gives it a request, which is posted by {@link flush}. If its thread has ended, the request is given back. */
  give(task: T, request: WorkerRequest, body: ReadableStream<Uint8Array> | undefined): void {
    if (this.#isGone) {
      this.#events.onGone(this, [task])
      return
    }
    this.#number = this.#number === maxNumber ? 1 : this.#number + 1
    const number = this.#number
    const sender =
      body &&
      new BodySender({ reader: body.getReader(), ahead: [] }, (part, transfer = []) =>
        this.#post({ type: 'sent', number, part }, transfer),
      )
    const place = this.#places.pop() ?? 0
    const post = { place, number, sender }
    if (this.size === 0) this.#lastEnd = performance.now()
    this.#slots.post(place, number)
    this.#tasks.set(number, task)
    this.#posts.set(task, post)
    const { method, url, isSecure, headers, params, remoteAddress, deadline, trace, rare } = request
    this.#outbox.push([
      number,
      place,
      this.#routeNumber(request.route),
      method,
      url,
      isSecure,
      headers,
      request.body,
      params,
      remoteAddress,
      deadline,
      trace,
      rare,
    ])
  }

  /** Posts the requests that it was given. */
  flush(): void {
    if (this.#outbox.length === 0) return
    const posted = this.#outbox
    this.#outbox = []
    this.#post(posted)
  }

  /** Takes back a request that the thread has not begun. Returns false if the thread has begun it. */
  withdraw(task: T): boolean {
    const post = this.#posts.get(task)
    if (post === undefined || !this.#slots.withdraw(post.place, post.number)) return false
    this.#forget(task, post)
    return true
  }

  /** Takes back the requests that wait behind the first, in order. After this it is given requests one by one. */
  takeBack(): readonly T[] {
    this.#window = 1
    return this.#withdrawn(1)
  }

  /** Takes back the later half of the requests that the thread has not begun, in order. */
  takeHalf(): readonly T[] {
    return this.#withdrawn(-Math.ceil((this.size - 1) / 2))
  }

  /** Cancels a request that the thread has begun. */
  cancel(task: T, reason: string): void {
    const post = this.#posts.get(task)
    if (post === undefined) return
    this.#post({ type: 'cancel', number: post.number, reason })
    post.sender?.stop(reason)
  }

  close(): void {
    this.#port.close()
  }

  #onMessage(message: FromWorker): void {
    if (isResponse(message)) {
      this.#responded(message)
      return
    }
    const task = this.#tasks.get(message.number)
    const post = task && this.#posts.get(task)
    if (task === undefined || post === undefined) return
    if (message.type === 'failed') task.reject(errorFromWire(message.error))
    else if (message.type === 'sent') post.receiver?.onPart(message.part)
    else if (message.type === 'wanted') post.sender?.onPart(message.part)
    else this.#ended(task, post)
  }

  #responded([number, status, fields, body]: PostedResponse): void {
    const task = this.#tasks.get(number)
    const post = task && this.#posts.get(task)
    if (task === undefined || post === undefined) return
    const isStream = typeof body === 'object' && 'type' in body
    if (isStream)
      post.receiver = new BodyReceiver((part, transfer = []) => this.#post({ type: 'wanted', number, part }, transfer))
    else this.#ended(task, post)
    try {
      task.resolve(new Response(isStream ? post.receiver?.stream : body, { status, headers: fieldsOf(fields) }))
    } catch (error) {
      task.reject(error)
      if (isStream) this.#post({ type: 'wanted', number, part: { type: 'enough' } })
    }
  }

  #ended(task: T, post: Post): void {
    post.sender?.stop('the request was answered')
    this.#forget(task, post)
    const now = performance.now()
    this.#window =
      now - this.#lastEnd < growWithin ? Math.min(maxWindow, this.#window * 2) : Math.max(1, this.#window / 2)
    this.#lastEnd = now
    this.#events.onEnd(this)
  }

  /** A body that is being sent cannot be given to another thread. */
  #withdrawn(from: number): readonly T[] {
    return [...this.#posts]
      .slice(from)
      .filter(([task, { sender }]) => sender === undefined && this.withdraw(task))
      .map(([task]) => task)
  }

  #forget(task: T, { place, number }: Post): void {
    this.#posts.delete(task)
    this.#tasks.delete(number)
    this.#places.push(place)
  }

  #fail(error: TroupeError): void {
    for (const [task, post] of this.#posts) {
      this.#forget(task, post)
      task.reject(error)
      post.receiver?.fail(error)
      post.sender?.stop(error.message)
    }
  }

  #routeNumber(route: WorkerRoute): number {
    const known = this.#routes.get(route.endpoint)
    if (known?.route === route) return known.number
    const number = known?.number ?? this.#routes.size
    this.#post({ type: 'route', number, route })
    this.#routes.set(route.endpoint, { number, route })
    return number
  }

  #post(message: ToWorker, transfer?: readonly ArrayBuffer[]): void {
    if (this.#isGone) return
    if (transfer === undefined) this.#port.postMessage(message)
    else this.#port.postMessage(message, [...transfer])
  }
}

function received(port: MessagePort): { readonly message: FromWorker } | undefined {
  return receiveMessageOnPort(port)
}

function isResponse(message: FromWorker): message is PostedResponse {
  return Array.isArray(message)
}

/** Several values of one name, as cookies have, need the long form. */
function fieldsOf(fields: ResponseFields): Record<string, string> | Headers {
  const single: Record<string, string> = {}
  for (const name in fields) {
    const value = fields[name]
    if (typeof value !== 'string') return severalOf(fields)
    single[name] = value
  }
  return single
}

function severalOf(headers: ResponseFields): Headers {
  const fields = new Headers()
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) fields.append(name, value)
  return fields
}
