/** Parses what `--network` names. */
import { UsageError } from '../usage-error.ts'

export type NetworkChoice =
  | { readonly type: 'socks5'; readonly name: 'proxy' | 'tor'; readonly proxy: ProxyPlace }
  /** Fields of an entry of that kind, as YAML has them. */
  | { readonly type: 'tailnet' | 'i2p'; readonly fields: Readonly<Record<string, string>> }
  | { readonly type: 'entry'; readonly id: string }

export interface ProxyPlace {
  readonly host: string
  readonly port?: number
  readonly login?: { readonly username: string; readonly password: string }
}

const expected =
  'expected socks5://[user:password@]host:port, socks5+unix:/path, tor, tailnet, i2p, or an entry (namespace:name)'
const defaultPort = 1080
const longestCredential = 255

/** No message holds the text, which may hold a password. @throws UsageError */
export function parseNetwork(given: string): NetworkChoice {
  const text = given.trim()
  if (text === 'tor') return { type: 'socks5', name: 'tor', proxy: { host: '127.0.0.1', port: 9050 } }
  const [, word, query = ''] = /^(tailnet|i2p)(?:\?(.*))?$/s.exec(text) ?? []
  if (word === 'tailnet' || word === 'i2p') {
    const bridge = word === 'i2p' ? { host: '127.0.0.1', port: '7656' } : {}
    return { type: word, fields: { ...bridge, ...Object.fromEntries(new URLSearchParams(query)) } }
  }
  const [, scheme] = /^([a-z][a-z\d+.-]*):/i.exec(text) ?? []
  if (scheme !== undefined && /^socks5h?$/i.test(scheme)) return { type: 'socks5', name: 'proxy', proxy: proxyAt(text) }
  if (scheme !== undefined && /^socks5h?\+unix$/i.test(scheme))
    return { type: 'socks5', name: 'proxy', proxy: socketAt(text.slice(scheme.length + 1)) }
  if (/^[\w.-]+:\/\//.test(text)) throw new UsageError(`--network: "${scheme ?? ''}://" is not supported; ${expected}`)
  if (/^[A-Za-z_][\w.-]*:[A-Za-z_][\w.-]*$/.test(text)) return { type: 'entry', id: text }
  throw new UsageError(`--network: ${expected}`)
}

/** Whether the text holds a password. */
export function holdsSecret(text: string): boolean {
  return /:\/\/[^/]*:[^/]*@/.test(text)
}

function proxyAt(text: string): ProxyPlace {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') throw new UsageError(`--network: no host is named; ${expected}`)
  if (url.pathname !== '' && url.pathname !== '/') throw new UsageError('--network: a SOCKS5 proxy has no path')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return { host, port: url.port === '' ? defaultPort : Number(url.port), ...loginOf(url.username, url.password) }
}

/** `/path`, or `//user:password@/path`. */
function socketAt(rest: string): ProxyPlace {
  const [, login = '', path] = /^(?:\/\/(?:([^/]*)@)?)?(\/.*)$/s.exec(rest) ?? []
  if (path === undefined) throw new UsageError(`--network: the path of the socket is not absolute; ${expected}`)
  const [username = '', ...password] = login.split(':')
  return { host: `unix:${path}`, ...loginOf(username, password.join(':')) }
}

function loginOf(name: string, word: string): Pick<ProxyPlace, 'login'> {
  if (name === '' && word === '') return {}
  const [username, password] = [decoded(name), decoded(word)]
  for (const each of [username, password]) {
    const length = Buffer.byteLength(each)
    if (length === 0 || length > longestCredential)
      throw new UsageError('--network: user and password go together, each of 1 to 255 bytes (RFC 1929)')
  }
  return { login: { username, password } }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UsageError('--network: the user or the password is not percent-encoded')
  }
}
