/** A request that was parsed once from the caller's input. The rest of the client trusts it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type EntryId, invalid, TroupeError } from '@troupe/core'
import { pathAsked } from '@troupe/network/driver'
import type { z } from 'zod'
import type { CookieJar, Fields } from '../../options.ts'
import { encodeBody, inPieces, type SentBody } from '../body/body.ts'
import { authorize, moveCredentials, sendCookies } from './credentials.ts'
import { acceptedCodings } from '../response/decode.ts'
import { appendFields, type HeaderList, headersOf, token } from './header-list.ts'
import type { GivenOptions, OnProgress, RetryPlan, Tls } from './options-schema.ts'
import type * as Schema from './options-schema.ts'

export interface ParsedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: HeaderList
  readonly body: SentBody
  /** `undefined`: the caller selected nothing. */
  readonly overlay: EntryId | null | undefined
  /** Separates connections, and is the isolation key for an overlay. */
  readonly isolation: string | undefined
  /** Whether the request carries the current trace; `undefined`: only in the clear network. */
  readonly trace: boolean | undefined
  /** Path of a Unix socket in place of the URL's host. */
  readonly unixSocket: string | undefined
  /** Milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  /** Bytes. */
  readonly maxResponseBody: number
  readonly decompress: boolean
  readonly redirect: 'follow' | 'manual' | 'error'
  readonly tls: Tls | undefined
  readonly jar: CookieJar | undefined
  readonly shareCookies: boolean
  readonly retry: RetryPlan | undefined
  readonly onUpload: OnProgress | undefined
  readonly onDownload: OnProgress | undefined
}

const defaultTimeout = 30_000
const defaultMaxResponseBody = 64 * 1024 * 1024
const nothing: GivenOptions = Object.freeze({})

let schema: typeof Schema | undefined

/** Returns whether {@link loadSchema} must have settled before options are parsed. */
export function needsSchema(given: unknown): boolean {
  return schema === undefined && given !== undefined && given !== null
}

/**
 * Loads the schema of the options. That takes as long as loading the rest of the client, so a caller without options
 * does not wait for it.
 */
export async function loadSchema(): Promise<void> {
  schema ??= await import('./options-schema.ts')
}

/**
 * Parses a request. Options are parsed once {@link loadSchema} has settled.
 *
 * @param where Names the argument in errors: `options`, or `requests[2]` of a batch.
 * @throws TroupeError `Invalid`, with the path of the invalid part.
 */
export function parseRequest(method: unknown, url: unknown, given: unknown, where: string): ParsedRequest {
  const verb = parseMethod(method)
  const value = parseOptions(given, where)
  const target = parseUrl(url)
  if (value.query !== undefined) appendQuery(target, value.query)
  const headers = headersOf(value.headers, `${where}.headers`)
  if (value.auth !== undefined) authorize(headers, value.auth, where)
  if (target.username !== '' || target.password !== '') moveCredentials(target, headers)
  const { cookies } = value
  const jar = isJar(cookies) ? cookies : undefined
  if (cookies !== undefined && !isJar(cookies)) sendCookies(headers, cookies, where)
  const body = encodeBody(value, headers, where)
  const decompress = value.decompress !== false
  addDefaults(headers, decompress)
  return {
    method: verb,
    url: target,
    headers,
    // Bytes that are sent at once have no progress.
    body: value.onUpload !== undefined && Buffer.isBuffer(body) ? inPieces(body) : body,
    overlay: value.overlayNetwork,
    isolation: value.isolation,
    trace: value.trace,
    // The same path that policies decide on, so that no link leads elsewhere.
    unixSocket: value.unixSocket === undefined ? undefined : pathAsked(value.unixSocket),
    timeout: value.timeout ?? defaultTimeout,
    signal: value.signal,
    maxResponseBody:
      value.maxResponseBody ?? (value.stream === true ? Number.POSITIVE_INFINITY : defaultMaxResponseBody),
    decompress,
    redirect: value.redirect ?? 'follow',
    tls: value.tls,
    jar,
    shareCookies: value.shareCookies === true,
    retry: value.retry,
    onUpload: value.onUpload,
    // Called by the connection, which may have been opened by another request.
    onDownload: value.onDownload && AsyncLocalStorage.bind(value.onDownload),
  }
}

function parseOptions(given: unknown, where: string): GivenOptions {
  if (given === undefined || given === null) return nothing
  if (schema === undefined) throw new TroupeError('Internal', 'options were given before what checks them was loaded')
  const parsed = schema.optionsSchema.safeParse(given)
  if (!parsed.success) throw refused(parsed.error, where)
  return parsed.data
}

/** Appends fields to the URL's own query, which stays as it was written, because it may be signed. */
function appendQuery(target: URL, fields: Fields): void {
  const added = new URLSearchParams()
  appendFields(added, fields)
  if (added.size > 0) target.search = [target.search.slice(1), added.toString()].filter((part) => part !== '').join('&')
}

/** Sets default fields that the caller did not set; a field with an empty text is omitted. */
function addDefaults(headers: HeaderList, decompress: boolean): void {
  addDefault(headers, 'accept', '*/*')
  addDefault(headers, 'user-agent', 'troupe')
  // A part of a coded body cannot be decoded.
  if (headers.has('range')) addDefault(headers, 'accept-encoding', 'identity')
  else addDefault(headers, 'accept-encoding', decompress ? acceptedCodings : '')
}

function addDefault(headers: HeaderList, name: string, value: string): void {
  const given = headers.get(name)
  if (given === '') headers.delete(name)
  else if (given === undefined && value !== '') headers.set(name, value)
}

function isJar(cookies: GivenOptions['cookies']): cookies is CookieJar {
  return cookies !== undefined && typeof cookies['getCookieString'] === 'function'
}

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])

function parseMethod(method: unknown): string {
  if (typeof method === 'string' && methods.has(method)) return method
  if (typeof method !== 'string') throw invalid(`a method is text, not ${typeof method}`, { path: 'method' })
  if (!token.test(method)) throw invalid(`"${method}" is not an HTTP method`, { path: 'method' })
  const upper = method.toUpperCase()
  if (upper === 'CONNECT') throw invalid('CONNECT is not supported: an overlay is what tunnels', { path: 'method' })
  return upper
}

function parseUrl(url: unknown): URL {
  const parsed = url instanceof URL ? new URL(url) : typeof url === 'string' ? URL.parse(url) : null
  // The text itself may contain credentials, so it is not repeated.
  if (parsed === null)
    throw invalid('the URL is not valid: expected an absolute one such as "https://example.com/path"', { path: 'url' })
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw invalid(`"${parsed.protocol}" is not supported: expected http: or https:`, { path: 'url' })
  }
  // Port 0 cannot be dialled, through an overlay or not.
  if (parsed.port === '0') throw invalid('port 0 cannot be dialled: expected 1 to 65535', { path: 'url' })
  if (parsed.hash !== '') parsed.hash = ''
  return parsed
}

function refused(error: z.ZodError, where: string) {
  const problems = error.issues.map((issue) => {
    const path = [where, ...issue.path.map(String)].join('.')
    return {
      path,
      message: issue.code === 'unrecognized_keys' ? `no such option: ${issue.keys.join(', ')}` : issue.message,
    }
  })
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return invalid(text, { path: problems[0]?.path, problems })
}
