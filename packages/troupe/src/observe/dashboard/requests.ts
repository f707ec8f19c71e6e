/** The requests of pages: files, the stream of events, documents, and actions. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { operatorAction } from '../attach-files.ts'
import type { Feed } from './feed.ts'
import { commonHeaders, type Gate } from './gate.ts'
import type { FindFile } from './page-file.ts'
import { documents, type FromDashboard, type Role, type ToDashboard } from './protocol.ts'

const mostBody = 64 << 10
/** Requests that may wait for the kernel. */
const mostWaiting = 64

type Reply = Extract<ToDashboard, { readonly type: 'reply' }>

export interface RequestsOptions {
  readonly gate: Gate
  readonly feed: Feed
  readonly files: FindFile
  readonly post: (message: FromDashboard) => void
}

export class Requests {
  readonly #options: RequestsOptions
  readonly #waiting = new Map<number, ServerResponse>()
  #last = 0

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** Replies to a request that was admitted. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value)
      const [path = ''] = (request.url ?? '').split('?', 1)
      if (path === '/events' || path === '/actions' || documents.has(path)) await this.#own(path, request, response)
      else await this.#file(path, request, response)
    } catch {
      // The client has gone, or sent a body that is none.
      if (!response.headersSent && !response.destroyed) fail(response, 400, 'the request cannot be read')
    }
  }

  /** The kernel has replied. */
  settle({ id, status, body }: Reply): void {
    const response = this.#waiting.get(id)
    if (response !== undefined) send(response, status, body)
  }

  async #file(path: string, { method }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method !== 'GET' && method !== 'HEAD') {
      refuseMethod(response, 'GET, HEAD')
      return
    }
    const file = await this.#options.files(path)
    if (file === undefined) {
      fail(response, 404, 'not found')
      return
    }
    response.writeHead(200, { 'content-type': file.type, 'content-length': Buffer.byteLength(file.body) })
    response.end(method === 'HEAD' ? undefined : file.body)
  }

  async #own(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const role = this.#options.gate.roleOf(request)
    const method = path === '/actions' ? 'POST' : 'GET'
    if (role === undefined) {
      response.setHeader('www-authenticate', 'Bearer')
      fail(response, 401, 'a token is required')
    } else if (request.method !== method) refuseMethod(response, method)
    else if (path === '/events') this.#events(role, response)
    else if (path === '/actions') await this.#act(role, request, response)
    else {
      const url = request.url ?? ''
      this.#ask(response, (id) => ({ type: 'read', id, path: url }))
    }
  }

  #events(role: Role, response: ServerResponse): void {
    const { feed } = this.#options
    if (!feed.hasRoom(role)) {
      fail(response, 503, 'too many pages look at this application')
      return
    }
    response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' })
    response.flushHeaders()
    feed.add(response, role)
  }

  async #act(role: Role, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers['content-type'] !== 'application/json') {
      fail(response, 415, 'an action is sent as application/json')
      return
    }
    const body = await bodyOf(request)
    if (body === undefined) {
      response.setHeader('connection', 'close')
      fail(response, 413, 'the request is too large')
      return
    }
    const { data: action } = operatorAction.safeParse(parsed(body))
    if (action === undefined) fail(response, 400, 'that is no action')
    else if (role === 'operator') this.#ask(response, (id) => ({ type: 'act', id, action }))
    else {
      this.#options.post({ type: 'refused', action })
      fail(response, 403, 'this token permits to look only: an operator token is required')
    }
  }

  #ask(response: ServerResponse, message: (id: number) => FromDashboard): void {
    if (this.#waiting.size >= mostWaiting) {
      fail(response, 503, 'too many requests wait for the application')
      return
    }
    const id = (this.#last += 1)
    this.#waiting.set(id, response)
    response.once('close', () => this.#waiting.delete(id))
    this.#options.post(message(id))
  }
}

/** A request without an encoding yields bytes. */
function chunksOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return request
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of chunksOf(request)) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > mostBody) return undefined
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString()
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function refuseMethod(response: ServerResponse, allow: string): void {
  response.setHeader('allow', allow)
  fail(response, 405, `use ${allow}`)
}

function fail(response: ServerResponse, status: number, error: string): void {
  send(response, status, { error })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
