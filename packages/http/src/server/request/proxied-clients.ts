/** The client addresses that proxies report: accepted from trusted proxies, removed from all other requests. */
import type { Socket } from 'node:net'
import { Http2ServerRequest } from 'node:http2'
import { peerOf } from '@troupe/network'
import { addressBehind, networks } from '../../middleware/trusted-proxies.ts'
import type { Incoming } from './request-call.ts'

/** Fields by which a proxy describes a client. */
const forwarding = /^(?:forwarded|x-forwarded(?:-.*)?|x-real-ip)$/i

export class ProxiedClients {
  readonly #isTrusted: (address: string) => boolean
  readonly #isKnown: (address: string) => boolean

  /**
   * @param trusted Trusted networks of the service.
   * @param named Networks that only its routers trust (`real_ip`).
   */
  constructor(trusted: readonly string[], named: readonly string[]) {
    this.#isTrusted = networks(trusted)
    this.#isKnown = networks([...trusted, ...named])
  }

  /**
   * Reads the fields of a proxy, and changes the request as if the proxy had received it. Returns the client's address,
   * where it is reported.
   */
  read(incoming: Incoming): string | undefined {
    const { headers } = incoming
    let isForwarded = false
    for (const name in headers) if (mayForward(name) && forwarding.test(name)) isForwarded = true
    if (!isForwarded) return undefined
    const address = addressOf(incoming.socket)
    if (address === undefined || !this.#isKnown(address)) {
      forget(incoming)
      return undefined
    }
    if (!this.#isTrusted(address)) return undefined
    const word = isXForwarded(headers) ? xForwarded(headers) : forwarded(text(headers['forwarded']) ?? '')
    if (word.host !== undefined) setHost(incoming, word.host)
    if (word.proto === 'https') setSecure(incoming)
    return addressBehind(address, word.client ?? null, this.#isTrusted)
  }
}

/** The names begin with `f` or `x`: tested first, for each field of each request. Node's names are in lower case. */
function mayForward(name: string): boolean {
  const first = name.charCodeAt(0)
  return first === 0x66 || first === 0x78
}

interface Word {
  /** Addresses, the nearest last. */
  readonly client: string | undefined
  readonly host: string | undefined
  readonly proto: string | undefined
}

/**
 * A proxy that writes these may pass on a `Forwarded` of the client: where both are present, `Forwarded` is ignored.
 */
function isXForwarded(headers: Incoming['headers']): boolean {
  return ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'].some((name) => headers[name] !== undefined)
}

/** The last value is the proxy's own. */
function xForwarded(headers: Incoming['headers']): Word {
  const last = (name: string) => text(headers[name])?.split(',').at(-1)?.trim()
  return { client: text(headers['x-forwarded-for']), host: last('x-forwarded-host'), proto: last('x-forwarded-proto') }
}

/** RFC 7239: an element for each proxy, the nearest last. */
function forwarded(value: string): Word {
  const elements = value.match(/(?:[^,"]|"[^"]*")+/g) ?? []
  const read = (element: string, name: string) => {
    const pair = (element.match(/(?:[^;"]|"[^"]*")+/g) ?? []).find((part) =>
      part.trim().toLowerCase().startsWith(`${name}=`),
    )
    return pair
      ?.trim()
      .slice(name.length + 1)
      .replace(/^"(.*)"$/, '$1')
  }
  const nearest = elements.at(-1) ?? ''
  const hops = elements.flatMap((element) => read(element, 'for') ?? [])
  return {
    client: hops.length === 0 ? undefined : hops.join(','),
    host: read(nearest, 'host'),
    proto: read(nearest, 'proto'),
  }
}

function addressOf(socket: Socket): string | undefined {
  const address = peerOf(socket)?.address ?? socket.remoteAddress
  return address?.replace(/^::ffff:(?=[\d.]+$)/i, '')
}

function forget(incoming: Incoming): void {
  for (const name of Object.keys(incoming.headers))
    if (forwarding.test(name)) Reflect.deleteProperty(incoming.headers, name)
  const { rawHeaders } = incoming
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2)
    if (forwarding.test(rawHeaders[index] ?? '')) rawHeaders.splice(index, 2)
}

function setHost(incoming: Incoming, host: string): void {
  const name = incoming instanceof Http2ServerRequest && incoming.headers.host === undefined ? ':authority' : 'host'
  incoming.headers[name] = host
  const at = incoming.rawHeaders.findIndex((field, index) => index % 2 === 0 && field.toLowerCase() === name)
  if (at >= 0) incoming.rawHeaders[at + 1] = host
}

/** Marks the request as HTTPS, like an absolute target does. HTTP/2 always uses TLS. */
function setSecure(incoming: Incoming): void {
  const { url = '', headers } = incoming
  if (incoming instanceof Http2ServerRequest || !url.startsWith('/') || headers.host === undefined) return
  incoming.url = `https://${headers.host}${url}`
}

function text(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(',')
}
