/** Checks the options of a request. */
import { type EntryId, isEntryId, parseDuration } from '@troupe/core'
import { z } from 'zod'
import type { CookieJar, Progress } from '../../options.ts'
import { isFieldValue, token } from './header-list.ts'
import { idempotent } from './idempotent.ts'

const scalar = z.union([z.string(), z.number(), z.boolean()])
const fields = z.union(
  [z.instanceof(URLSearchParams), z.record(z.string(), z.union([scalar, z.null(), z.undefined(), z.array(scalar)]))],
  {
    error: 'expected URLSearchParams, or an object of strings, numbers, booleans and lists of them',
  },
)
const headers = z.union(
  [
    z.custom<Headers>((value) => value instanceof Headers),
    z.array(z.tuple([z.string(), z.string()])),
    z.record(z.string(), z.union([z.string(), z.array(z.string()), z.undefined()])),
  ],
  { error: 'expected Headers, a list of [name, value], or an object of strings and lists of strings' },
)
const pem = z.union([z.string(), z.instanceof(Uint8Array)], { error: 'expected PEM, as text or bytes' })
const isStream = (value: unknown): value is AsyncIterable<unknown, unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value
const bytes = z
  .custom<ArrayBuffer | ArrayBufferView>((value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value))
  .transform((given) =>
    given instanceof ArrayBuffer
      ? new Uint8Array(given)
      : new Uint8Array(given.buffer, given.byteOffset, given.byteLength),
  )
const contents = [z.string(), bytes, z.instanceof(Blob), z.custom<AsyncIterable<unknown, unknown>>(isStream)] as const
const content = z.union(contents, { error: 'expected text, bytes, a Blob, or a stream of text and bytes' })
const body = z.union(
  [...contents, z.custom<FormData>((value) => value instanceof FormData), z.instanceof(URLSearchParams)],
  {
    error:
      'expected text, bytes, a Blob, FormData, URLSearchParams, or a ' +
      'stream of text and bytes (for a value use json, for fields use form)',
  },
)

const durationExpected = 'expected milliseconds above 0, or a duration such as "1m30s"'
const milliseconds = z
  .union([z.number().positive(), z.string()], { error: durationExpected })
  .transform((value, context) => {
    try {
      const ms = typeof value === 'number' ? value : parseDuration(value)
      if (ms > 0) return ms
    } catch {
      // Reported below, with the path.
    }
    context.addIssue(`${durationExpected}, not "${value}"`)
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

/** Checked TLS options. */
export type Tls = z.output<typeof tls>

const mediaType = z
  .string()
  .refine((value) => value !== '' && isFieldValue(value), 'expected a media type such as "image/png"')
const file = z
  .strictObject({
    name: z.string(),
    filename: z.string().optional(),
    type: mediaType.optional(),
    path: z.string().min(1).optional(),
    content: content.optional(),
    length: z.number().int().nonnegative().optional(),
  })
  .refine((value) => (value.path === undefined) !== (value.content === undefined), 'expected either path or content')

const isJar = (value: unknown): value is CookieJar =>
  typeof value === 'object' &&
  value !== null &&
  ['getCookieString', 'setCookie'].every((name) => typeof Reflect.get(value, name) === 'function')
const cookies = z.union([z.custom<CookieJar>(isJar), z.record(z.string(), z.string())], {
  error: 'expected an object of strings, or a jar with getCookieString and setCookie',
})

const auth = z.union(
  [z.strictObject({ username: z.string(), password: z.string() }), z.strictObject({ bearer: z.string() })],
  // An invalid credential is not repeated.
  { error: 'expected { username, password } or { bearer }' },
)

const comeBack = [408, 429, 500, 502, 503, 504]
const retry = z.preprocess(
  (value) => (typeof value === 'number' ? { limit: value } : value),
  z.strictObject({
    limit: z.number().int().nonnegative().default(2),
    minDelay: milliseconds.default(100),
    maxDelay: milliseconds.default(10_000),
    maxRetryAfter: milliseconds.default(60_000),
    methods: z.array(z.string().regex(token).toUpperCase()).default([...idempotent]),
    statuses: z.array(z.number().int().min(400).max(599)).default(comeBack),
  }),
)

/** When to send again, in milliseconds. */
export type RetryPlan = z.output<typeof retry>

export type OnProgress = (progress: Progress) => void
const onProgress = z.custom<OnProgress>((value) => typeof value === 'function', 'expected a function')

const bodies = 'body, json and form (with files) exclude each other'

export const optionsSchema = z
  .strictObject({
    headers: headers.optional(),
    query: fields.optional(),
    body: body.optional(),
    json: z.unknown().optional(),
    form: fields.optional(),
    files: z.array(file).optional(),
    cookies: cookies.optional(),
    auth: auth.optional(),
    timeout: milliseconds.optional(),
    signal: z.instanceof(AbortSignal).optional(),
    maxResponseBody: z.number().int().nonnegative().optional(),
    decompress: z.boolean().optional(),
    stream: z.boolean().optional(),
    unixSocket: z.string().min(1).optional(),
    overlayNetwork: overlay.optional(),
    isolation: z.string().min(1).max(256).optional(),
    trace: z.boolean().optional(),
    shareCookies: z.boolean().optional(),
    tls: tls.optional(),
    redirect: z.enum(['follow', 'manual', 'error']).optional(),
    retry: retry.optional(),
    onUpload: onProgress.optional(),
    onDownload: onProgress.optional(),
  })
  .refine(
    ({ body, json, form, files }) => [body, json, form ?? files].filter((given) => given !== undefined).length <= 1,
    bodies,
  )
  .refine(({ unixSocket, overlayNetwork }) => unixSocket === undefined || typeof overlayNetwork !== 'string', {
    path: ['unixSocket'],
    error: 'a Unix socket is outside every overlay: it goes with no overlayNetwork but null',
  })

export type GivenOptions = z.output<typeof optionsSchema>
