/** Turns a plan into a `Response`: permission checks, hops, redirects. */
import { channel } from 'node:diagnostics_channel'
import {
  asTroupeError,
  childTrace,
  countRequest,
  emptyFrame,
  type EntryId,
  fork,
  type Frame,
  invalid,
  isTraceState,
  isTracing,
  runInFrame,
  type Span,
  traceChange,
  TroupeError,
} from '@troupe/core'
import { type NetworkAccess, networkAccess, threadOverlay } from '@troupe/network'
import type { BatchRequest, BatchResult } from '../options.ts'
import { responseOf } from './response/response.ts'
import { releaseBody } from './body/body.ts'
import { type Decoded, decode, isPlain } from './response/decode.ts'
import { cancelBody, discard } from './response/discard.ts'
import type { Exchange } from './response/exchange.ts'
import { requestFailure, shownUrl } from './errors.ts'
import { sendAttempt, type RequestState } from './attempt.ts'
import { permitted } from './request/permission.ts'
import { loadSchema, needsSchema, type ParsedRequest, parseRequest } from './request/parsed-request.ts'
import { locationOf, mostRedirects, redirected, tlsFor } from './request/redirect.ts'
import { inheritedOverlay, selectOverlay } from './request/overlay-selection.ts'
import { Deadline } from './deadline.ts'
import { endRequestSpan, requestSpan } from './spans.ts'
import type { OutgoingRequest } from './outgoing-request.ts'

export { closeAgents } from './attempt.ts'

/**
 * An event of the channel `troupe:http:request`: the head of a response to a request of `http` has arrived, or the
 * request has failed.
 */
export interface RequestEvent {
  /** The method of the request. */
  readonly method: string
  /** The URL, without login and query. */
  readonly url: string
  /** The overlay; `null` is the clear network. */
  readonly overlay: EntryId | null
  /** Duration until the head of the response arrived, or until the failure, in milliseconds. */
  readonly milliseconds: number
  /** The `traceparent` of the code that sent it, if it belongs to a trace. */
  readonly trace?: string
  /** Status of the response; absent when the request failed. */
  readonly status?: number
  /** Why it failed; absent when a response arrived. */
  readonly error?: unknown
}

const requests = channel('troupe:http:request')

/** Implements `http.get` and its siblings. */
export async function request(
  method: unknown,
  url: unknown,
  options: unknown,
  frame: Frame | undefined,
): Promise<Response> {
  const access = networkAccess()
  if (needsSchema(options)) await loadSchema()
  const parsed = parseRequest(method, url, options, 'options')
  const overlay = granted(parsed, access)
  const chosen = overlay instanceof Promise ? await overlay : overlay
  // Returning the promise itself would take two more turns of the microtask queue.
  const response = await perform(parsed, chosen, frame, access)
  return response
}

/** Implements `http.batch`: parses and authorises all requests before it sends any. */
export async function batch(list: readonly BatchRequest[], frame: Frame | undefined): Promise<BatchResult[]> {
  const access = networkAccess()
  await loadSchema()
  if (!Array.isArray(list)) throw invalid('http.batch: expected a list of [method, url, options]', { path: 'requests' })
  const plans = list.map((each, index) => {
    const where = `requests[${index}]`
    if (!Array.isArray(each)) throw invalid(`${where}: expected [method, url, options]`, { path: where })
    return parseRequest(each[0], each[1], each[2], where)
  })
  const overlays = await Promise.all(plans.map(async (parsed) => granted(parsed, access)))
  return Promise.all(
    plans.map(async (parsed, index): Promise<BatchResult> => {
      try {
        return { response: await perform(parsed, overlays[index] ?? null, frame, access) }
      } catch (error) {
        return { error: asTroupeError(error) }
      }
    }),
  )
}

/** Returns the overlay of an allowed request; at once where no permission is needed. */
function granted(parsed: ParsedRequest, access: NetworkAccess): EntryId | null | Promise<EntryId | null> {
  const { url, tls, unixSocket, overlay } = parsed
  const asked = permitted({ url, insecure: tls?.insecureSkipVerify === true, unixSocket }, access)
  const inherits =
    asked === undefined && overlay === undefined && unixSocket === undefined && threadOverlay() !== undefined
  return inherits ? inheritedOverlay() : selected(parsed, asked, access)
}

async function selected(
  parsed: ParsedRequest,
  asked: Promise<void> | undefined,
  access: NetworkAccess,
): Promise<EntryId | null> {
  try {
    await asked
    return await selectOverlay(parsed, access)
  } catch (thrown) {
    releaseBody(parsed.body)
    throw requestFailure(thrown, { method: parsed.method, url: parsed.url, overlay: parsed.overlay })
  }
}

async function perform(
  parsed: ParsedRequest,
  overlay: EntryId | null,
  frame: Frame | undefined,
  access: NetworkAccess,
): Promise<Response> {
  const span = isTracing() ? requestSpan(parsed, overlay) : undefined
  if (span === undefined) return sent(parsed, overlay, frame, access, undefined)
  const own = fork(frame ?? emptyFrame, traceChange(span))
  return runInFrame(own, async () => sent(parsed, overlay, own, access, span))
}

async function sent(
  parsed: ParsedRequest,
  overlay: EntryId | null,
  frame: Frame | undefined,
  access: NetworkAccess,
  span: Span | undefined,
): Promise<Response> {
  const deadline = new Deadline({ timeout: parsed.timeout, deadline: frame?.deadline, signal: parsed.signal })
  const began = requests.hasSubscribers ? performance.now() : 0
  const report = (outcome: { readonly status: number } | { readonly error: unknown }) => {
    if (!requests.hasSubscribers) return
    requests.publish({
      method: parsed.method,
      url: shownUrl(parsed.url),
      overlay,
      milliseconds: performance.now() - began,
      ...(frame?.trace !== undefined && { trace: frame.trace }),
      ...outcome,
    } satisfies RequestEvent)
  }
  try {
    join(parsed, overlay, frame, span)
    const response = await follow({ parsed, overlay, deadline, frame, access })
    countRequest(overlay, response.status)
    if (span !== undefined) endRequestSpan(span, response)
    report({ status: response.status })
    return response
  } catch (error) {
    deadline[Symbol.dispose]()
    releaseBody(parsed.body)
    countRequest(overlay, undefined)
    span?.end(error)
    report({ error })
    throw error
  }
}

/** Adds the request to the current trace where it stays in the clear network, or where the request demands it. */
function join(
  { headers, trace }: ParsedRequest,
  overlay: EntryId | null,
  frame: Frame | undefined,
  span: Span | undefined,
): void {
  if (frame?.trace === undefined || headers.has('traceparent')) return
  if (!(trace ?? (overlay === null && threadOverlay() === null))) return
  headers.set('traceparent', span?.trace ?? childTrace(frame.trace))
  const { traceState } = frame
  // It may come from a message of any code.
  if (traceState !== undefined && isTraceState(traceState) && !headers.has('tracestate'))
    headers.set('tracestate', traceState)
}

async function follow(state: RequestState): Promise<Response> {
  const { parsed, overlay, deadline, access } = state
  let outgoing: OutgoingRequest = parsed
  for (let redirects = 0; ; redirects++) {
    const exchange = await sendAttempt(state, outgoing)
    const location = parsed.redirect === 'manual' ? undefined : locationOf(exchange)
    if (location === undefined) {
      deadline.answered()
      exchange.whenFinished(() => deadline[Symbol.dispose]())
      return responseOf(
        parsed.decompress && !isPlain(exchange) ? await decoded(exchange, state, outgoing) : exchange,
        outgoing.url,
        redirects > 0,
      )
    }
    try {
      await discard(exchange)
      if (parsed.redirect === 'error')
        throw invalid('the response is a redirect, and redirect is "error"', { status: exchange.status })
      if (redirects === mostRedirects)
        throw new TroupeError('Unavailable', `more than ${mostRedirects} redirects`, { retryable: false })
      const next = redirected(outgoing, exchange.status, location)
      if (parsed.unixSocket !== undefined && next.url.origin !== parsed.url.origin) throw leavesSocket(next.url)
      const insecure = tlsFor(parsed.tls, parsed.url, next.url)?.insecureSkipVerify === true
      await permitted({ url: next.url, insecure, unixSocket: parsed.unixSocket }, access)
      outgoing = next
    } catch (thrown) {
      throw requestFailure(thrown, { method: outgoing.method, url: outgoing.url, overlay })
    }
  }
}

async function decoded(
  exchange: Exchange,
  { parsed, overlay }: RequestState,
  { method, url }: OutgoingRequest,
): Promise<Decoded> {
  const failure = (thrown: unknown) => requestFailure(thrown, { method, url, overlay })
  try {
    return await decode(exchange, { maxResponseBody: parsed.maxResponseBody, failure })
  } catch (thrown) {
    await cancelBody(exchange)
    throw failure(thrown)
  }
}

/** The socket belongs to one service: a redirect to another host is not meant for it, and no network was selected. */
function leavesSocket(url: URL): TroupeError {
  return new TroupeError('Unavailable', `was redirected to ${shownUrl(url)}, which is not behind the Unix socket`, {
    retryable: false,
  })
}
