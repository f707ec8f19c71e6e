/** The URL of a SOCKS5 proxy, and the route that it leads to. Errors never contain the URL: it may hold a password. */
import { invalid, type EntryId } from '@troupe/core'
import type { Route } from '../../overlay/route.ts'
import { proxiesOf, type Proxy, type Socks5Route, socks5, unixPrefix } from './route.ts'

/** The parts of the URL of a proxy, under the names of the fields of a `network.socks5` entry. */
export interface ProxyAddress {
  /** A host name, an address, or `unix:` and a path. */
  readonly host: string
  /** Absent for a Unix socket. */
  readonly port?: number
  readonly username?: string
  readonly password?: string
}

const form = 'expected a URL such as "socks5://user:password@127.0.0.1:9050" or "socks5+unix:/run/tor/socks"'
const longestCredential = 255

/**
 * Reads `socks5://user:password@host:port` (also `socks5h:`) or `socks5+unix:/path`.
 *
 * @param at - The name of the value, for errors: `networks.tor`.
 * @throws TroupeError `Invalid`; its text never contains the URL.
 */
export function readProxyUrl(text: string | URL, at: string): ProxyAddress {
  const url = text instanceof URL ? text : URL.parse(text)
  if (url === null) throw wrong(at, form)
  if (url.search !== '' || url.hash !== '') throw wrong(at, `a proxy has no query and no fragment: ${form}`)
  if (url.protocol === 'socks5+unix:') return unixAddress(url, at)
  if (url.protocol !== 'socks5:' && url.protocol !== 'socks5h:')
    throw wrong(at, `"${url.protocol}" is not a kind of proxy that has a URL here: ${form}`)
  if (url.pathname !== '' && url.pathname !== '/') throw wrong(at, `a proxy has no path: ${form}`)
  if (url.hostname === '') throw wrong(at, `the host is missing: ${form}`)
  if (url.port === '' || url.port === '0') throw wrong(at, `the port is missing: ${form}`)
  return {
    host: decoded(url.hostname, 'host', at).replace(/^\[|\]$/g, ''),
    port: Number(url.port),
    ...login(url, at),
  }
}

/** Returns the route that leads through one proxy. */
export function proxyRoute(overlay: EntryId, { host, port, username, password }: ProxyAddress): Route {
  const proxy: Proxy = {
    host,
    ...(port !== undefined && { port }),
    ...(username !== undefined && password !== undefined && { login: { username, password } }),
  }
  const config: Socks5Route = { proxies: [proxy] }
  return Object.freeze({ overlay, generation: 0, driver: socks5, config: Object.freeze(config) })
}

/**
 * Checks whether the proxy of a route of {@link proxyRoute} works: it must send its greeting, and accept the login.
 *
 * @throws TroupeError `Unavailable`, `Timeout` or `PermissionDenied` with the reason.
 */
export async function checkProxyRoute(route: Route, signal: AbortSignal): Promise<void> {
  const { checkProxies } = await import('./check-proxies.ts')
  await checkProxies(route.overlay, proxiesOf(route), undefined, signal)
}

function unixAddress(url: URL, at: string): ProxyAddress {
  const path = decoded(url.pathname, 'path', at)
  if (url.host !== '' || !path.startsWith('/')) throw wrong(at, `the path of the socket must be absolute: ${form}`)
  return { host: `${unixPrefix}${path}` }
}

function login(url: URL, at: string): Pick<ProxyAddress, 'username' | 'password'> {
  if (url.username === '' && url.password === '') return {}
  const username = decoded(url.username, 'user', at)
  const password = decoded(url.password, 'password', at)
  for (const [what, value] of Object.entries({ user: username, password })) {
    const bytes = Buffer.byteLength(value)
    if (bytes === 0) throw wrong(at, `the ${what} is missing: user and password go together`)
    if (bytes > longestCredential) throw wrong(at, `the ${what} is longer than 255 bytes (RFC 1929)`)
  }
  return { username, password }
}

function decoded(text: string, what: string, at: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong(at, `the ${what} has a "%" that encodes nothing: write "%25" for a "%"`)
  }
}

function wrong(at: string, why: string) {
  return invalid(`${at}: ${why}`, { path: at })
}
