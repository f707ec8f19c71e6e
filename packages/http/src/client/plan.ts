/** A request as the rest of the client trusts it: parsed once from what the caller gave. */
import { type EntryId, invalid, isEntryId, parseDuration } from '@troupe/core'
import { z } from 'zod'
import { encodeBody, type SentBody } from './body.ts'
import { appendFields, headersOf } from './fields.ts'

export interface Plan {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: SentBody
  /** `undefined`: the caller selected nothing. */
  readonly overlay: EntryId | null | undefined
  /** Milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  /** Bytes. */
  readonly maxResponseBody: number
  readonly redirect: 'follow' | 'manual' | 'error'
  readonly tls: Tls | undefined
}

const scalar = z.union([z.string(), z.number(), z.boolean()])
const fields = z.union([z.instanceof(URLSearchParams), z.record(z.string(), z.union([scalar, z.null(), z.undefined(), z.array(scalar)]))], {
  error: 'expected URLSearchParams, or an object of strings, numbers, booleans and lists of them',
})
const headers = z.union(
  [
    z.instanceof(Headers),
    z.array(z.tuple([z.string(), z.string()])),
    z.record(z.string(), z.union([z.string(), z.array(z.string()), z.undefined()])),
  ],
  { error: 'expected Headers, a list of [name, value], or an object of strings and lists of strings' },
)
const pem = z.union([z.string(), z.instanceof(Uint8Array)], { error: 'expected PEM, as text or bytes' })
const isStream = (value: unknown): value is AsyncIterable<unknown, unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value
const body = z.union([z.string(), z.instanceof(Uint8Array), z.custom<AsyncIterable<unknown, unknown>>(isStream)], {
  error: 'expected text, bytes, or a stream of them (for a value use json, for fields use form)',
})

const milliseconds = z
  .union([z.number().positive(), z.string()], { error: 'expected milliseconds above 0, or a duration such as "1m30s"' })
  .transform((value, context) => {
    try {
      const ms = typeof value === 'number' ? value : parseDuration(value)
      if (ms > 0) return ms
    } catch {
      // Said below, with the path.
    }
    context.addIssue(`expected milliseconds above 0, or a duration such as "1m30s", not "${value}"`)
    return z.NEVER
  })

const overlay = z
  .union([z.string(), z.null()], { error: 'expected the id of an overlay, or null for the clear network' })
  .transform((value, context): EntryId | null | undefined => {
    if (value === null) return null
    if (value === '') return undefined
    if (isEntryId(value)) return value
    context.addIssue(`"${value}" is not an entry id: expected "namespace:name"`)
    return z.NEVER
  })

const tls = z
  .strictObject({
    cert: pem.optional(),
    key: pem.optional(),
    ca: z.union([pem, z.array(pem)]).optional(),
    serverName: z.string().min(1).optional(),
    insecureSkipVerify: z.boolean().optional(),
  })
  .refine((value) => (value.cert === undefined) === (value.key === undefined), 'cert and key go together')

/** TLS options, checked. */
export type Tls = z.output<typeof tls>

const options = z
  .strictObject({
    headers: headers.optional(),
    query: fields.optional(),
    body: body.optional(),
    json: z.unknown().optional(),
    form: fields.optional(),
    timeout: milliseconds.default(30_000),
    signal: z.instanceof(AbortSignal).optional(),
    maxResponseBody: z
      .number()
      .int()
      .nonnegative()
      .default(64 * 1024 * 1024),
    overlayNetwork: overlay.optional(),
    tls: tls.optional(),
    redirect: z.enum(['follow', 'manual', 'error']).default('follow'),
  })
  .refine(
    (value) => [value.body, value.json, value.form].filter((given) => given !== undefined).length <= 1,
    'body, json and form exclude each other',
  )

/** RFC 9110 §5.6.2 */
const token = /^[\w!#$%&'*+.^`|~-]+$/

/**
 * Parses a request.
 *
 * @param where Names the argument in errors: `options`, or `requests[2]` of a batch.
 * @throws TroupeError `Invalid`, with the path of what is wrong.
 */
export function planRequest(method: unknown, url: unknown, given: unknown, where: string): Plan {
  const parsed = options.safeParse(given ?? {})
  if (!parsed.success) throw refused(parsed.error, where)
  const value = parsed.data
  const target = parseUrl(url)
  if (value.query !== undefined) appendFields(target.searchParams, value.query)
  const fields = headersOf(value.headers, `${where}.headers`)
  if (target.username !== '' || target.password !== '') moveCredentials(target, fields)
  return {
    method: parseMethod(method),
    url: target,
    headers: fields,
    body: encodeBody(value, fields, where),
    overlay: value.overlayNetwork,
    timeout: value.timeout,
    signal: value.signal,
    maxResponseBody: value.maxResponseBody,
    redirect: value.redirect,
    tls: value.tls,
  }
}

function parseMethod(method: unknown): string {
  if (typeof method !== 'string' || !token.test(method)) throw invalid(`"${String(method)}" is not an HTTP method`, { path: 'method' })
  const upper = method.toUpperCase()
  if (upper === 'CONNECT') throw invalid('CONNECT is not supported: an overlay is what tunnels', { path: 'method' })
  return upper
}

function parseUrl(url: unknown): URL {
  const parsed = url instanceof URL ? new URL(url) : typeof url === 'string' ? URL.parse(url) : null
  // The text itself may hold credentials, so it is not repeated.
  if (parsed === null) throw invalid('the URL is not valid: expected an absolute one such as "https://example.com/path"', { path: 'url' })
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw invalid(`"${parsed.protocol}" is not supported: expected http: or https:`, { path: 'url' })
  }
  // 0 is a port that cannot be dialled, through an overlay or not.
  if (parsed.port === '0') throw invalid('port 0 cannot be dialled: expected 1 to 65535', { path: 'url' })
  parsed.hash = ''
  return parsed
}

/** Credentials in a URL travel as Basic authentication (RFC 7617), and not with the URL. */
function moveCredentials(url: URL, fields: Headers): void {
  if (!fields.has('authorization')) {
    const pair = `${decode(url.username)}:${decode(url.password)}`
    fields.set('authorization', `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`)
  }
  url.username = ''
  url.password = ''
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('the credentials in the URL are not valid percent-encoding', { path: 'url' })
  }
}

function refused(error: z.ZodError, where: string) {
  const problems = error.issues.map((issue) => {
    const path = [where, ...issue.path.map(String)].join('.')
    return { path, message: issue.code === 'unrecognized_keys' ? `no such option: ${issue.keys.join(', ')}` : issue.message }
  })
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return invalid(text, { path: problems[0]?.path, problems })
}
