/** A request that came by a port, as Node's own server would bring it: what follows is the same as in the server's thread. */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Http1Outgoing } from '../request/outgoing.ts'
import type { WorkerRequest } from './protocol.ts'

/** What requests seem to have come by. */
const plain = new Socket()
const secure = Object.assign(new Socket(), { encrypted: true })

/** A request that is there as a whole. */
export class NodeRequest extends IncomingMessage {
  /** Its body, where that came along as a whole. Whoever reads the request looks here first. */
  readonly rawBody: Buffer | undefined

  constructor({ method, url, headers, isSecure, body }: WorkerRequest) {
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

/** Where a response would go. It is sent by another thread: this one only tells those who listen to it that it is over. */
export class NodeResponse extends Http1Outgoing {}

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
