/** A request that came by a port, as Node's own server would bring it: what follows is the same as in the server's thread. */
import { IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { LaneRequest, LaneResponse } from './protocol.ts'

/** What requests seem to have come by. */
const plain = new Socket()
const secure = Object.assign(new Socket(), { encrypted: true })

/** A request that is there as a whole. */
export class Arrival extends IncomingMessage {
  /** Its body, where that came along as a whole. Whoever reads the request looks here first. */
  readonly rawBody: Buffer | undefined

  constructor({ method, url, headers, isSecure, body }: LaneRequest) {
    super(isSecure ? secure : plain)
    this.method = method
    this.url = url
    this.rawHeaders = headers
    this.headers = byName(headers)
    this.rawBody = body instanceof Uint8Array ? Buffer.from(body.buffer) : undefined
    this.complete = true
    this.push(null)
  }
}

/** What a whole response consists of. */
export interface Whole {
  readonly status: number
  readonly headers: LaneResponse['headers']
  readonly body: string | Uint8Array | undefined
}

/** Where a response goes: it is taken as it is, to be written by another thread. */
export class Departure extends ServerResponse {
  readonly #onWhole: (whole: Whole) => void
  #head: Omit<Whole, 'body'> = { status: 200, headers: {} }

  constructor(arrival: Arrival, onWhole: (whole: Whole) => void) {
    super(arrival)
    this.#onWhole = onWhole
  }

  override writeHead(status: number, ...rest: readonly unknown[]): this {
    const headers = rest.at(-1)
    this.#head = { status, headers: isHeaders(headers) ? textOf(headers) : {} }
    return this
  }

  override end(body?: unknown): this {
    this.#onWhole({ ...this.#head, body: typeof body === 'string' || body instanceof Uint8Array ? body : undefined })
    return this
  }
}

function isHeaders(value: unknown): value is OutgoingHttpHeaders {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(headers: OutgoingHttpHeaders): LaneResponse['headers'] {
  const text: Record<string, string | readonly string[]> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) text[name] = typeof value === 'number' ? String(value) : value
  }
  return text
}

/** Several lines of one name are one, as Node joins them (RFC 9110, 5.2). */
function byName(headers: readonly string[]): Record<string, string> {
  const named: Record<string, string> = {}
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase()
    const value = headers[index + 1] ?? ''
    const before = named[name]
    named[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return named
}
