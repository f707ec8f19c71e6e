/** The kind `network.socks5`: the fields of its entries. */
import { defineKind, port, reference } from '@troupe/registry'
import { z } from 'zod'
import type { Target } from '../../overlay/overlay.ts'
import { limit } from '../limit.ts'
import { endpointFault, isOfOverlay } from '../endpoint-host.ts'
import { defaultTimeouts, unixPrefix } from './route.ts'

/** RFC 1929 stores each length in one byte, and none of them may be empty. */
const credential = z
  .string()
  .refine((text) => text !== '' && Buffer.byteLength(text) <= 255, 'expected 1 to 255 bytes (RFC 1929)')

/** `sun_path` holds 108 bytes, of which the last is zero; on macOS 104. */
const longestPath = process.platform === 'darwin' ? 103 : 107

const host = z
  .string()
  .refine(
    (text) => text !== '' && text !== unixPrefix,
    'expected a host name, an address, or "unix:" and the path of a socket',
  )
  .refine((text) => !/^\[.*\]$/.test(text), 'expected an IPv6 address without its brackets')
  .refine(
    (text) => !text.startsWith(unixPrefix) || text === unixPrefix || text.startsWith(`${unixPrefix}/`),
    'expected an absolute path behind "unix:"',
  )
  .refine(
    (text) => !text.startsWith(unixPrefix) || Buffer.byteLength(text) - unixPrefix.length <= longestPath,
    `expected the path of a socket to have up to ${longestPath} bytes: the system takes no longer one`,
  )
  .superRefine((text, context) => {
    const fault = text === '' || /^\[.*\]$/.test(text) || text.startsWith(unixPrefix) ? undefined : endpointFault(text)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })

/** Each thread that dials keeps them. */
const mostFixed = 64

const proxy = {
  host: host
    .optional()
    .describe(
      'Where the proxy listens. If it is a name, it is the only one that this machine resolves. `unix:/path` for ' +
        'a Unix socket.',
    ),
  port: port().optional().describe('Required, except for a Unix socket.'),
  username: credential
    .optional()
    .describe('User name, as in RFC 1929: 1 to 255 bytes. Both or none of `username` and `password`.'),
  password: credential.optional().describe('Password, as in RFC 1929: 1 to 255 bytes.'),
}

type ProxyFields = z.output<z.ZodObject<typeof proxy>>

const fields = () =>
  z.strictObject({
    ...proxy,
    proxies: z
      .array(z.strictObject(proxy).superRefine(checkProxy))
      .min(1)
      .optional()
      .describe(
        'Several proxies that lead to the same network, in place of `host`, `port`, `username` and `password`.',
      ),
    policy: z
      .enum(['first', 'round_robin', 'sticky'])
      .default('first')
      .describe(
        'Which of several proxies is used. `first`: the first that works; `round_robin`: each in turn; `sticky`: ' +
          'the same one for the same actor, else process, else target.',
      ),
    via: reference('network.*').optional().describe('An overlay through which the proxy is reached.'),
    probe: z
      .string()
      .transform(readTarget)
      .optional()
      .describe('A target, `host:port`, that a proxy must reach to count as up. Default: its greeting is enough.'),
    isolateStreams: z.boolean().default(false).describe('The same as `isolate: connection`.'),
    isolate: z
      .enum(['connection', 'actor', 'process', 'destination'])
      .optional()
      .describe('The unit that gets its own generated credentials, in place of `username` and `password`.'),
    isolateForm: z
      .enum(['login', 'torS0X'])
      .optional()
      .describe(
        'Form of the generated credentials. `torS0X`: the extended form of Tor, in which the password alone ' +
          'isolates. Default: `login`.',
      ),
    optimistic: z
      .union([z.boolean(), z.literal('auto')], 'expected true, false or auto')
      .default('auto')
      .describe(
        'Send greeting, login and request in one write. `auto`: only if streams are isolated, because that ' +
          'implies Tor, which accepts it.',
      ),
    spares: z
      .union(
        [z.literal('adaptive'), z.number().int().min(0).max(mostFixed)],
        `expected "adaptive", or a number from 0 to ${mostFixed}`,
      )
      .default('adaptive')
      .describe(
        'Connections to a proxy that are kept ready. `adaptive`: as many as were used in the last minute, up to ' +
          '8.',
      ),
    connectTimeout: limit().default(defaultTimeouts.connect).describe('Maximum time until the proxy is connected.'),
    firstByteTimeout: limit()
      .default(defaultTimeouts.firstByte)
      .describe('Maximum time from then until its first byte.'),
    handshakeTimeout: limit()
      .default(defaultTimeouts.handshake)
      .describe('Maximum time from the connection until the proxy has replied to the request.'),
  })

type Fields = z.output<ReturnType<typeof fields>>
type Context = z.core.$RefinementCtx

/** The kind of entries for SOCKS5 proxies, such as Tor. */
export const socks5Kind = defineKind({ kind: 'network.socks5', fields: () => fields().superRefine(checkEntry) })

/** Parses `host:port` with the URL syntax. */
function readTarget(text: string, context: Context): Target {
  const url = URL.parse(`tcp://${text}`)
  if (url !== null && url.hostname !== '' && Number(url.port) > 0 && url.host === text.toLowerCase()) {
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) }
  }
  context.addIssue({ code: 'custom', message: 'expected a target such as "example.org:443"' })
  return z.NEVER
}

function checkEntry(fields: Fields, context: Context): void {
  if (fields.proxies === undefined) checkProxy(fields, context)
  else {
    for (const name of ['host', 'port', 'username', 'password'] as const) {
      if (fields[name] !== undefined)
        issue(context, name, `it belongs into each of the proxies: ${name} and proxies do not go together`)
    }
  }
  if (fields.isolateStreams && fields.isolate !== undefined && fields.isolate !== 'connection') {
    issue(context, 'isolate', 'isolate_streams means "connection": leave one of the two out')
  }
  const proxies = fields.proxies ?? [fields]
  checkIsolation(fields, context)
  checkDoubles(proxies, context)
  if (fields.via === undefined && proxies.some(({ host = '' }) => isOfOverlay(host)))
    issue(context, 'via', 'only an overlay leads to names in .onion and .i2p: name it')
  if (fields.via !== undefined && proxies.some(isUnix)) {
    issue(context, 'via', 'a Unix socket is on this machine: no other overlay leads to it')
  }
}

function checkIsolation(fields: Fields, context: Context): void {
  const isIsolated = fields.isolateStreams || fields.isolate !== undefined
  if (!isIsolated && fields.isolateForm !== undefined)
    issue(context, 'isolateForm', 'it has no effect without isolate or isolate_streams')
}

function checkDoubles(proxies: readonly ProxyFields[], context: Context): void {
  const names = proxies.map(({ host, port, username }) => JSON.stringify([host, port, username]))
  if (new Set(names).size < names.length) issue(context, 'proxies', 'the same proxy is in the list twice')
}

function checkProxy(proxy: ProxyFields, context: Context): void {
  if (proxy.host === undefined)
    issue(context, 'host', 'expected a host name, an address, or "unix:" and the path of a socket')
  else if (isUnix(proxy) && proxy.port !== undefined) issue(context, 'port', 'a Unix socket has no port: leave it out')
  else if (!isUnix(proxy) && proxy.port === undefined) issue(context, 'port', 'expected 1 to 65535')
  if ((proxy.username === undefined) !== (proxy.password === undefined)) {
    issue(context, 'password', 'username and password go together: give both, or none')
  }
}

function isUnix({ host }: ProxyFields): boolean {
  return host?.startsWith(unixPrefix) === true
}

function issue(context: Context, path: string, message: string): void {
  context.addIssue({ code: 'custom', path: [path], message })
}
