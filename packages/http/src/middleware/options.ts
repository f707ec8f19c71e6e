/** Middleware by name, and its options. The kernel reads them too: nothing here loads the code that runs them. */
import { isIP } from 'node:net'
import { duration, reference } from '@troupe/registry'
import { z } from 'zod'

/** In the order of the documentation; a router runs them in its own order. */
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

/** A network of IP addresses. */
export const network = z.string().refine(isNetwork, 'expected a network such as "10.0.0.0/8", or an address')

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header')

const cors = () =>
  z
    .strictObject({
      origins: z
        .array(z.string().refine(isOrigin, 'expected an origin such as "https://example.com", or "*"'))
        .min(1)
        .default(['*'])
        .describe('Origins of pages that may send requests, such as `https://example.com`; `*` for any.'),
      methods: z
        .array(z.string().min(1))
        .default(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'])
        .describe('Methods that pages may use.'),
      allowHeaders: z
        .array(headerName)
        .default([])
        .describe('Request headers that pages may set. Default: those that they request.'),
      exposeHeaders: z.array(headerName).default([]).describe('Response headers that pages may read.'),
      maxAge: duration().optional().describe('How long a browser may cache the permission.'),
      credentials: z.boolean().default(false).describe('Whether pages may send cookies.'),
    })
    .superRefine(({ origins, credentials }, context) => {
      if (credentials && origins.includes('*'))
        context.addIssue({
          code: 'custom',
          path: ['origins'],
          message: 'with credentials the origins have to be named: browsers refuse "*"',
        })
    })

const compression = () =>
  z.strictObject({
    encoding: z
      .enum(['gzip', 'deflate'])
      .optional()
      .describe('The encoding. Default: the one that the client prefers, gzip first.'),
    threshold: z
      .int()
      .min(0)
      .default(1024)
      .describe('Minimum size in bytes from which a response of known length is compressed.'),
  })

const rateLimit = () =>
  z.strictObject({
    limit: z.int().min(1).default(100).describe('Requests within `window`.'),
    window: duration()
      .refine((ms) => ms > 0, 'expected a duration above 0')
      .default(60_000)
      .describe('The time in which `limit` requests are allowed.'),
    key: z
      .union(
        [z.enum(['ip', 'actor']), z.strictObject({ header: headerName.describe('The name of the header.') })],
        'expected ip, actor, or { header: name }',
      )
      .default('ip')
      .describe('How requests are grouped: by address (an IPv6 network, /64), by actor, or by the value of a header.'),
    maxKeys: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(100_000)
      .describe('Maximum number of keys that are remembered; beyond it, those whose window began first are forgotten.'),
  })

const realIp = () =>
  z.strictObject({
    trusted: z
      .array(network)
      .min(1)
      .describe(
        'Networks of the proxies in front of this server, such as `10.0.0.0/8`, or addresses. The client ' +
          'addresses from others are ignored.',
      ),
    header: headerName
      .default('x-forwarded-for')
      .describe('The header to which each proxy adds the address of its client.'),
  })

const requestId = () =>
  z.strictObject({
    header: headerName
      .default('x-request-id')
      .describe('The header with the id of a request, in the request and in the response.'),
    maxLength: z.int().min(1).default(255).describe('Longer ids from clients are replaced.'),
  })

const bodyLimit = () =>
  z.strictObject({
    max: z
      .int()
      .min(0)
      .default(1024 * 1024)
      .describe('Maximum size of a body, in bytes.'),
  })

const tokenAuth = () =>
  z.strictObject({
    store: reference('security.token_store').describe('The store of the tokens.'),
    header: z.boolean().default(true).describe('Reads the token from `Authorization: Bearer …`.'),
    cookie: z.string().min(1).optional().describe('Reads the token from this cookie.'),
    query: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Reads the token from this parameter of the query, which ends up in logs: for clients that can send it in ' +
          'no other way.',
      ),
    required: z
      .boolean()
      .default(true)
      .describe(
        "Whether requests without a token are refused; otherwise they continue as the service's own actor. An " +
          'invalid token is always refused.',
      ),
    realm: z
      .string()
      .regex(/^[\x20-\x7e]*$/)
      .default('troupe')
      .describe('The realm in `WWW-Authenticate`.'),
  })

const endpointFirewall = () =>
  z.strictObject({
    action: z
      .string()
      .min(1)
      .default('http.endpoint.access')
      .describe('The action that requires permission, for endpoints that name no permission of their own.'),
  })

/** `options` of an `http.router`: the options of its middleware. */
export const middlewareOptions = () =>
  z.strictObject({
    cors: cors().prefault({}).describe('Which pages of other origins may send requests.'),
    compression: compression().prefault({}).describe('Compresses responses.'),
    rateLimit: rateLimit().prefault({}).describe('Limits the number of requests; further ones get 429.'),
    realIp: realIp().optional().describe('The address of the client, behind proxies. Required with `real_ip`.'),
    requestId: requestId().prefault({}).describe('Gives each request an id.'),
    bodyLimit: bodyLimit().prefault({}).describe('Limits the size of bodies; larger ones get 413.'),
    tokenAuth: tokenAuth().optional().describe('Authenticates callers by tokens. Required with `token_auth`.'),
    endpointFirewall: endpointFirewall().prefault({}).describe('Checks permissions before an endpoint runs.'),
  })

/** The options of the middleware of a router. Times are milliseconds. */
export type MiddlewareOptions = z.output<ReturnType<typeof middlewareOptions>>

export type RateLimitOptions = MiddlewareOptions['rateLimit']
export type RealIpOptions = z.output<ReturnType<typeof realIp>>
export type RequestIdOptions = MiddlewareOptions['requestId']
export type BodyLimitOptions = MiddlewareOptions['bodyLimit']
export type TokenAuthOptions = z.output<ReturnType<typeof tokenAuth>>
export type EndpointFirewallOptions = MiddlewareOptions['endpointFirewall']

/** An error in a list of middleware, with its path among the fields of a router. */
export interface MiddlewareProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Returns the errors in a list of middleware that its schema does not find. */
export function middlewareProblems(
  names: readonly MiddlewareName[],
  options: MiddlewareOptions,
): readonly MiddlewareProblem[] {
  const problems: MiddlewareProblem[] = []
  for (const [index, name] of names.entries()) {
    const path = ['middleware', index] as const
    if (names.indexOf(name) < index) problems.push({ path, message: `${name} is in the list already` })
    if (name === 'real_ip' && options.realIp === undefined)
      problems.push({
        path: ['options'],
        message: 'real_ip needs real_ip: { trusted: […] }, the proxies that it may believe',
      })
    if (name === 'token_auth' && options.tokenAuth === undefined)
      problems.push({ path: ['options'], message: 'token_auth needs token_auth: { store: … }, where its tokens are' })
    if (name === 'endpoint_firewall' && names.includes('token_auth') && names.indexOf('token_auth') > index)
      problems.push({
        path,
        message: 'endpoint_firewall has to come after token_auth, which authenticates the caller',
      })
  }
  return problems
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
