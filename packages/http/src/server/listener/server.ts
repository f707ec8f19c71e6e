/** A server in its own thread: listens, routes, and stops gracefully. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type EntryId, invalid, TroupeError } from '@troupe/core'
import { getRequestListener } from '@hono/node-server'
import { listenHere, listenOn } from '@troupe/network'
import { closeConnections } from '../../connections/open-connections.ts'
import { parseAddress } from './address.ts'
import { problem } from '../request/problem.ts'
import type { RequestCounter } from '../counts/request-counter.ts'
import type { NodeExchange } from '../request/request-call.ts'
import type { RequestHandler } from '../request/request-handler.ts'
import { breakOff, Http1Outgoing, Http2Outgoing } from '../request/outgoing.ts'
import { findWholeKey } from '../request/response-parts.ts'
import type { ServerSettings } from '../routing/route-table.ts'
import { WatchedCertificates } from './watched-certificates.ts'
import { createTransport, drain, type Transport } from './transport.ts'

/** The address of a server. */
export interface ServerAddress {
  /** The host name or IP address. */
  readonly host: string
  /** The port. */
  readonly port: number
}

export class Server {
  #settings: ServerSettings
  readonly #requests: RequestHandler
  #certificates: WatchedCertificates | undefined
  readonly #transport: Transport
  /** Rejects when the server cannot continue. */
  readonly failed: Promise<never>

  constructor(settings: ServerSettings, requests: RequestHandler, counter: RequestCounter) {
    this.#settings = settings
    this.#requests = requests
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    this.failed = promise
    const listener = getRequestListener(
      (request, exchange) => (isExchange(exchange) ? requests.answer(request, exchange) : problem(500)),
      {
        // Responds to a request that cannot be routed, for example because its target or host is invalid.
        errorHandler: () => problem(400),
      },
    )
    findWholeKey()
    this.#transport = createTransport(settings.fields, {
      onRequest: (incoming, outgoing) => {
        counter.begin(outgoing)
        outgoing.client = requests.read(incoming)
        listener(incoming, outgoing).catch((error: unknown) => {
          requests.note('warn', `a response could not be written: ${String(error)}`)
          breakOff(outgoing)
        })
      },
      takesSocket: (incoming) => requests.takesSocket(incoming),
    })
    counter.watch(this.#transport, 'setSecureContext' in this.#transport)
    this.#transport.on('error', (error: Error) => {
      if (this.#transport.listening && isPassing(error))
        requests.note('warn', `${settings.service}: a connection was not accepted: ${error.message}`)
      else reject(failureOf(settings.service, error))
    })
    this.#transport.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void requests.upgrade(request, socket, head)
    })
  }

  /**
   * @throws TroupeError `PermissionDenied`, `Invalid` or `NotFound` for an overlay that the service must not or cannot
   *   listen on, `Unavailable`.
   */
  async listen(): Promise<ServerAddress> {
    const { service, fields, network } = this.#settings
    const { host, port } = parseAddress(fields.addr)
    if (network === null) listenHere(this.#transport, { port, host })
    else {
      if (host !== undefined)
        throw final(invalid(`${service}: addr: an overlay has an address of its own: leave the host out`, { service }))
      listenOn(this.#transport, network, { port, tls: fields.tls?.mode === 'auto' })
    }
    await Promise.race([once(this.#transport, 'listening'), this.failed])
    this.#watchCertificates()
    const address = this.#transport.address()
    if (typeof address !== 'object' || address === null) throw new TroupeError('Internal', `${service} listens nowhere`)
    return { host: address.address, port: address.port }
  }

  /** Adopts the settings that a running server can change; connections continue. */
  adapt(settings: ServerSettings): void {
    this.#settings = settings
    this.#requests.adapt(settings)
    this.#watchCertificates()
    this.#certificates?.renew()
  }

  /** Reads certificates from their files again when those change. */
  #watchCertificates(): void {
    this.#certificates?.[Symbol.dispose]()
    const { service, fields } = this.#settings
    const transport = this.#transport
    if (fields.tls?.mode !== 'manual' || !('setSecureContext' in transport)) return
    this.#certificates = new WatchedCertificates(fields.tls, {
      use: (certificates) => transport.setSecureContext(certificates),
      onRenewed: () => this.#requests.note('info', `${service} has new certificates`),
      onFailed: (error) =>
        this.#requests.note('warn', `${service} continues with its previous certificates: ${error.message}`),
    })
  }

  /** Accepts no more connections, and lets pending requests finish. */
  async close(): Promise<void> {
    this.#certificates?.[Symbol.dispose]()
    await Promise.all([drain(this.#transport), closeConnections()])
  }
}

/** hono passes on the object that it was given. */
function isExchange(exchange: { readonly incoming: unknown; readonly outgoing: unknown }): exchange is NodeExchange {
  return exchange.outgoing instanceof Http1Outgoing || exchange.outgoing instanceof Http2Outgoing
}

/** Returns whether an error is temporary: a flood of connections may cause it, and must not end the service. */
function isPassing(error: Error): boolean {
  return (
    'code' in error &&
    ['ECONNABORTED', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EPROTO', 'EINTR', 'EAGAIN'].includes(String(error.code))
  )
}

function failureOf(service: EntryId, error: unknown): TroupeError {
  if (error instanceof TroupeError) return error.kind === 'Unavailable' || error.final ? error : final(error)
  const { code } = error instanceof Error && 'code' in error ? error : { code: undefined }
  const words = error instanceof Error ? error.message : String(error)
  if (code === 'EACCES')
    return new TroupeError('PermissionDenied', `${service}: ${words}`, { cause: error, retryable: false })
  return new TroupeError('Unavailable', `${service}: ${words}`, { cause: error, details: { service } })
}

/** Returns an error that is not retryable, unless its kind determines otherwise. */
function final(error: TroupeError): TroupeError {
  const { kind, message, details } = error
  return error.retryable ? error : new TroupeError(kind, message, { cause: error, details, retryable: false })
}
