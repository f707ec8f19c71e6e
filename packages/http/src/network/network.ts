/** Clients for one network that code uses explicitly, in its own thread and without an application. */
import { asTroupeError, entryId } from '@troupe/core'
import { checkProxyRoute, proxyRoute, readProxyUrl } from '@troupe/network'
import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { buildConnector, Dispatcher } from 'undici'
import { networkAgent } from './agent.ts'
import { checkThread, type ConnectOptions, Dialler } from './dialler.ts'
import { fetchThrough, type HttpRequests, requestsThrough, undici } from './requests.ts'
import { handshaken, type TlsSettings } from './tls.ts'

/** Options of {@link network}. */
export interface NetworkClientOptions {
  /** TLS of `https:` requests. @default the certificate authorities of Node */
  readonly tls?: TlsSettings
}

/** The result of a check of a network. */
export interface NetworkHealth {
  /** Whether the proxy responds and accepts the login. */
  readonly state: 'up' | 'down'
  /** Why it is down. */
  readonly reason?: string
}

/** Clients whose connections go through one network, or fail. Names are resolved at the proxy. */
export interface Network extends AsyncDisposable {
  /**
   * Like the global `fetch`; it is undici's, which also made its responses.
   *
   * @example
   * ```ts
   * await using tor = network('socks5://127.0.0.1:9050')
   * const response = await tor.fetch('https://example.org/', { method: 'HEAD' })
   * console.log(response.status) // 200
   * ```
   */
  readonly fetch: typeof globalThis.fetch
  /**
   * Opens a TCP connection. `tls.connect({ socket })` works on it.
   *
   * @example
   * ```ts
   * import { connect } from 'node:tls'
   *
   * await using tor = network('socks5://127.0.0.1:9050')
   * const socket = connect({ socket: await tor.connect('example.org', 443), servername: 'example.org' })
   * ```
   *
   * @throws TroupeError `Unavailable`, `Timeout`, `Canceled`, `Invalid`
   */
  readonly connect: (host: string, port: number, options?: ConnectOptions) => Promise<Socket>
  /** `request` and `get` of `node:http`, for `https:` URLs too. */
  readonly http: HttpRequests
  /** For the option `agent` of `node:http`, `node:https` and the libraries on them. */
  readonly agent: Agent
  /** For the option `dispatcher` of undici 8. */
  readonly dispatcher: Dispatcher
  /**
   * Checks whether the proxy responds and accepts the login. Never rejects.
   *
   * @example
   * ```ts
   * await using tor = network('socks5://127.0.0.1:9050')
   * const { state, reason } = await tor.health()
   * ```
   */
  readonly health: () => Promise<NetworkHealth>
  /**
   * Ends all connections. Later requests are `Unavailable`.
   *
   * @example
   * ```ts
   * const tor = network('socks5://127.0.0.1:9050')
   * await tor.fetch('https://example.org/').finally(tor.close)
   * ```
   */
  readonly close: () => Promise<void>
}

/**
 * Returns clients for the network behind a SOCKS5 proxy. Nothing else in this thread changes.
 *
 * @example
 * ```ts
 * await using tor = network('socks5://127.0.0.1:9050')
 * await (await tor.fetch('https://example.org/')).text()
 * ```
 *
 * @param url - `socks5://user:password@host:port` or `socks5+unix:/path`
 * @param options - TLS of `https:` requests.
 * @throws TroupeError `Invalid` for another URL, without repeating it; also in a thread of an application, whose
 *   networks are its entries.
 */
export function network(url: string | URL, { tls = {} }: NetworkClientOptions = {}): Network {
  checkThread()
  const address = readProxyUrl(url, 'network')
  const name = `${address.host}_${address.port ?? ''}`.replaceAll(/[^\w.-]/g, '_')
  const dialler = new Dialler(proxyRoute(entryId(`network:_${name}`), address))
  const agent = networkAgent(async (host, port) => dialler.open(host, port), tls)
  let dispatcher: Dispatcher | undefined
  const dispatcherOf = () => {
    dialler.checkOpen()
    dispatcher ??= dispatcherThrough(dialler, tls)
    return dispatcher
  }
  const close = async () => {
    dialler.close()
    agent.destroy()
    await dispatcher?.destroy()
  }
  return Object.freeze({
    fetch: fetchThrough(dispatcherOf),
    connect: async (host: string, port: number, options?: ConnectOptions) => dialler.open(host, port, options),
    http: requestsThrough(agent),
    agent,
    get dispatcher() {
      return dispatcherOf()
    },
    health: async () => healthOf(dialler),
    close,
    [Symbol.asyncDispose]: close,
  })
}

function dispatcherThrough(dialler: Dialler, tls: TlsSettings): Dispatcher {
  return new (undici().Agent)({
    connect: (target, done) => {
      void connectFor(dialler, tls, target, done)
    },
  })
}

async function connectFor(
  dialler: Dialler,
  tls: TlsSettings,
  { hostname, port, protocol }: buildConnector.Options,
  done: buildConnector.Callback,
): Promise<void> {
  const isSecure = protocol === 'https:'
  const host = hostname.replace(/^\[|\]$/g, '')
  let socket: Socket
  try {
    const plain = await dialler.open(host, Number(port === '' ? (isSecure ? 443 : 80) : port))
    socket = isSecure ? await handshaken(plain, host, { ...tls, ALPNProtocols: ['http/1.1'] }) : plain
  } catch (error) {
    done(asTroupeError(error), null)
    return
  }
  done(null, socket)
}

async function healthOf(dialler: Dialler): Promise<NetworkHealth> {
  try {
    dialler.checkOpen()
    await checkProxyRoute(dialler.route, new AbortController().signal)
    return { state: 'up' }
  } catch (error) {
    return { state: 'down', reason: asTroupeError(error).message }
  }
}
