/**
 * Serves metrics and health. It runs in the kernel's thread, in any network: it accepts connections of this machine and
 * opens none. Requests that name another host get no byte, so that no website reaches it through a browser.
 */
import { asTroupeError, readGivenFile, readPrivateFile, type TroupeError, unavailable } from '@troupe/core'
import { listenClear } from '@troupe/network/kernel'
import type { AppConfig } from '@troupe/registry'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { hasToken } from './bearer-token.ts'
import { type Health, readiness } from './health.ts'
import { metricsText } from './metrics.ts'
import type { Observation } from './observation.ts'

type Settings = NonNullable<AppConfig['metrics']>

export interface MetricsServerOptions {
  readonly settings: Settings
  readonly observe: () => Promise<Observation>
  readonly health: () => Health
  readonly onError: (error: TroupeError) => void
}

/** Connections at a time. */
const mostConnections = 256
/** How often slow requests are looked for, in milliseconds. Node's default is half a minute. */
const connectionsCheckingInterval = 1_000

const text = 'text/plain; charset=utf-8'

export class MetricsServer implements AsyncDisposable {
  readonly #options: MetricsServerOptions
  readonly #server: Server
  readonly #hosts: ReadonlySet<string>
  readonly #sockets = new Set<Socket>()
  #observed: Promise<Observation> | undefined

  private constructor(options: MetricsServerOptions, server: Server, host: string, port: number) {
    this.#options = options
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      // The oldest, so that connections that send nothing keep no scraper and no health check out.
      const [oldest] = this.#sockets
      if (oldest !== undefined && this.#sockets.size > mostConnections) {
        this.#sockets.delete(oldest)
        oldest.destroy()
      }
      socket.once('close', () => this.#sockets.delete(socket))
    })
    const names = [
      host,
      ...options.settings.hosts,
      ...(isLoopbackName(host) ? ['localhost', '127.0.0.1', '[::1]'] : []),
    ]
    this.#hosts = new Set(names.flatMap((name) => [name.toLowerCase(), `${name.toLowerCase()}:${port}`]))
  }

  /** Starts to serve. @throws TroupeError `Unavailable` for an address in use, or an unreadable file of `tls`. */
  static async start(options: MetricsServerOptions): Promise<MetricsServer> {
    const { addr, tls } = options.settings
    const colon = addr.lastIndexOf(':')
    const [host, port] = [addr.slice(0, colon), Number(addr.slice(colon + 1))]
    const server = await serverFor(tls)
    server.headersTimeout = 10_000
    server.requestTimeout = 10_000
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error) => {
        reject(unavailable(`metrics cannot be served at ${addr}: ${error.message}`, { addr }))
      }
      server.once('error', failed)
      server.once('listening', () => {
        server.off('error', failed)
        // Such as too many open files, when it accepts a connection.
        server.on('error', (error) => {
          options.onError(unavailable(`metrics: a connection was not accepted: ${error.message}`))
        })
        resolve()
      })
      listenClear(server, port, host === 'localhost' ? '127.0.0.1' : host.replace(/^\[(.*)\]$/, '$1'))
    })
    server.unref()
    const metrics = new MetricsServer(options, server, host, portOf(server))
    server.on('request', (request, response) => void metrics.handle(request, response))
    return metrics
  }

  /** The port at which it serves. */
  get port(): number {
    return portOf(this.#server)
  }

  /** Where it serves. */
  get url(): string {
    const { addr, tls } = this.#options.settings
    return `${tls === undefined ? 'http' : 'https'}://${addr.slice(0, addr.lastIndexOf(':'))}:${this.port}`
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { settings, health } = this.#options
    if (!this.#admits(request)) {
      request.socket.destroy()
      return
    }
    const path = (request.url ?? '').replace(/\?.*$/s, '')
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') respond(response, 405, text, 'GET or HEAD\n')
      else if (path === '/livez') respond(response, 200, text, 'ok\n')
      else if (path === '/readyz') {
        const { isReady, reasons } = readiness(health())
        respond(response, isReady ? 200 : 503, text, isReady ? 'ok\n' : `${reasons.join('\n')}\n`)
      } else if (path === settings.path) await this.#metrics(request, response)
      else respond(response, 404, text, 'not found\n')
    } catch (error) {
      this.#options.onError(asTroupeError(error))
      if (!response.headersSent) respond(response, 500, text, 'the metrics could not be made; see the log\n')
    }
  }

  /** Whether a request may get any byte: no page of a browser sends one, and it names this server, once. */
  #admits({ headers, headersDistinct, url }: IncomingMessage): boolean {
    const [host, second] = headersDistinct['host'] ?? []
    if (host === undefined || second !== undefined || !this.#hosts.has(host.toLowerCase())) return false
    const site = headers['sec-fetch-site']
    // A browser sends `none` for an address that its user has typed.
    if (headers.origin !== undefined || (site !== undefined && site !== 'none' && site !== 'same-origin')) return false
    // Not a request to a proxy, such as `GET http://other/`.
    return url?.startsWith('/') === true
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token } = this.#options.settings
    if (token !== undefined && !hasToken(request.headers.authorization, token)) {
      response.setHeader('www-authenticate', 'Bearer')
      respond(response, 401, text, 'a bearer token is required\n')
      return
    }
    const isOpen = (request.headers.accept ?? '').includes('application/openmetrics-text')
    const { type, text: body } = await metricsText(await this.#observation(), isOpen ? 'openmetrics' : 'prometheus')
    respond(response, 200, type, body)
  }

  /** Requests at the same time share one observation. */
  async #observation(): Promise<Observation> {
    this.#observed ??= this.#options.observe().finally(() => {
      this.#observed = undefined
    })
    return this.#observed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve)
      // Also those that have not finished their TLS handshake.
      for (const socket of this.#sockets) socket.destroy()
    })
  }
}

async function serverFor(tls: Settings['tls']): Promise<Server> {
  if (tls === undefined) return (await import('node:http')).createServer({ connectionsCheckingInterval })
  const { createServer } = await import('node:https')
  try {
    return createServer({ cert: readGivenFile(tls.cert), key: readPrivateFile(tls.key), connectionsCheckingInterval })
  } catch (error) {
    throw unavailable(`metrics cannot be served: ${asTroupeError(error).message}`, { cert: tls.cert })
  }
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.')
}

function respond(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}
