/** Middleware by name, and what each may be told. Read by the kernel too: nothing here loads what runs them. */
import { isIP } from 'node:net'
import { duration, reference } from '@troupe/registry'
import { z } from 'zod'

/** In the order of the documentation; a router runs them in its own. */
export const middlewareNames = [
  'cors',
  'compression',
  'rate_limit',
  'real_ip',
  'request_id',
  'body_limit',
  'token_auth',
  'endpoint_firewall',
] as const

export type MiddlewareName = (typeof middlewareNames)[number]

/** Of IP addresses. */
export const network = z.string().refine(isNetwork, 'expected a network such as "10.0.0.0/8", or an address')

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header')

const cors = z
  .strictObject({
    /** Origins of pages that may ask, as `https://example.com`; `*` for any. */
    origins: z.array(z.string().refine(isOrigin, 'expected an origin such as "https://example.com", or "*"')).min(1).default(['*']),
    methods: z.array(z.string().min(1)).default(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH']),
    /** Request headers that pages may set. @default those that they ask for */
    allowHeaders: z.array(headerName).default([]),
    /** Response headers that pages may read. */
    exposeHeaders: z.array(headerName).default([]),
    /** How long a browser may keep the answer. */
    maxAge: duration().optional(),
    /** Whether pages may send cookies along. */
    credentials: z.boolean().default(false),
  })
  .superRefine(({ origins, credentials }, context) => {
    if (credentials && origins.includes('*'))
      context.addIssue({ code: 'custom', path: ['origins'], message: 'with credentials the origins have to be named: browsers refuse "*"' })
  })

const compression = z.strictObject({
  /** @default whichever the client prefers, gzip first */
  encoding: z.enum(['gzip', 'deflate']).optional(),
  /** Bytes from which a response of known length is worth it. */
  threshold: z.int().min(0).default(1024),
})

const rateLimit = z.strictObject({
  /** Requests within `window`. */
  limit: z.int().min(1).default(100),
  window: duration()
    .refine((ms) => ms > 0, 'expected a duration above 0')
    .default(60_000),
  /** Whose requests are counted together: an address's (an IPv6 network's, /64), an actor's, or those with the same value of a header. */
  key: z.union([z.enum(['ip', 'actor']), z.strictObject({ header: headerName })], 'expected ip, actor, or { header: name }').default('ip'),
  /** Keys that are remembered; beyond, those whose window began first are forgotten. */
  maxKeys: z.int().min(1).max(10_000_000).default(100_000),
})

const realIp = z.strictObject({
  /** Networks of the proxies before this server, as `10.0.0.0/8`, or addresses. What others say of the client is not believed. */
  trusted: z.array(network).min(1),
  /** The header in which each proxy adds whom it heard. */
  header: headerName.default('x-forwarded-for'),
})

const requestId = z.strictObject({
  header: headerName.default('x-request-id'),
  /** Longer ids of clients are replaced. */
  maxLength: z.int().min(1).default(255),
})

const bodyLimit = z.strictObject({
  /** Bytes. */
  max: z
    .int()
    .min(0)
    .default(1024 * 1024),
})

const tokenAuth = z.strictObject({
  store: reference('security.token_store'),
  /** Takes it from `Authorization: Bearer …`. */
  header: z.boolean().default(true),
  /** Takes it from this cookie. */
  cookie: z.string().min(1).optional(),
  /** Takes it from this parameter of the query, which ends up in logs: for clients that can send it in no other way. */
  query: z.string().min(1).optional(),
  /** Whether requests without a token are refused; otherwise they go on as the service's own actor. A wrong token is always refused. */
  required: z.boolean().default(true),
  /** Named in `WWW-Authenticate`. */
  realm: z
    .string()
    .regex(/^[\x20-\x7e]*$/)
    .default('troupe'),
})

const endpointFirewall = z.strictObject({
  /** The action that has to be allowed, for endpoints that name no permission of their own. */
  action: z.string().min(1).default('http.endpoint.access'),
})

/** `options` of an `http.router`: what its middleware is told. */
export const middlewareOptions = z.strictObject({
  cors: cors.prefault({}),
  compression: compression.prefault({}),
  rateLimit: rateLimit.prefault({}),
  realIp: realIp.optional(),
  requestId: requestId.prefault({}),
  bodyLimit: bodyLimit.prefault({}),
  tokenAuth: tokenAuth.optional(),
  endpointFirewall: endpointFirewall.prefault({}),
})

/** What the middleware of a router is told. Times are milliseconds. */
export type MiddlewareOptions = z.output<typeof middlewareOptions>

export type RateLimitOptions = MiddlewareOptions['rateLimit']
export type RealIpOptions = z.output<typeof realIp>
export type RequestIdOptions = MiddlewareOptions['requestId']
export type BodyLimitOptions = MiddlewareOptions['bodyLimit']
export type TokenAuthOptions = z.output<typeof tokenAuth>
export type EndpointFirewallOptions = MiddlewareOptions['endpointFirewall']

/** Something that is wrong with a list of middleware, with its path among the fields of a router. */
export interface MiddlewareObjection {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** What is wrong with a list of middleware that its schema does not tell. */
export function middlewareObjections(names: readonly MiddlewareName[], options: MiddlewareOptions): readonly MiddlewareObjection[] {
  const objections: MiddlewareObjection[] = []
  for (const [index, name] of names.entries()) {
    const path = ['middleware', index] as const
    if (names.indexOf(name) < index) objections.push({ path, message: `${name} is in the list already` })
    if (name === 'real_ip' && options.realIp === undefined)
      objections.push({ path: ['options'], message: 'real_ip needs real_ip: { trusted: […] }, the proxies that it may believe' })
    if (name === 'token_auth' && options.tokenAuth === undefined)
      objections.push({ path: ['options'], message: 'token_auth needs token_auth: { store: … }, where its tokens are' })
    if (name === 'endpoint_firewall' && names.includes('token_auth') && names.indexOf('token_auth') > index)
      objections.push({ path, message: 'endpoint_firewall has to come after token_auth, which authenticates the caller' })
  }
  return objections
}

function isOrigin(text: string): boolean {
  return text === '*' || (URL.canParse(text) && new URL(text).origin === text)
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}
