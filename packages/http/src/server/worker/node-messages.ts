/**
 * A request from a port in the form of Node's own server, so that the next steps are the same as in the server's
 * thread.
 */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Http1Outgoing } from '../request/outgoing.ts'
import type { WorkerRequest } from './protocol.ts'

/** The socket that such requests appear to use. */
const plain = new Socket()
const secure = Object.assign(new Socket(), { encrypted: true })

/** A request that is in memory as a whole. */
export class NodeRequest extends IncomingMessage {
  /** Its body, if the whole body arrived with it. Readers of the request use this first. */
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

/** The response of such a request. Another thread sends it: this object only notifies its listeners of the end. */
export class NodeResponse extends Http1Outgoing {
  override writeHead(): this {
    return this
  }

  override end(): this {
    return this
  }
}

/** Joins several fields of one name, as Node does (RFC 9110, 5.2). */
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
