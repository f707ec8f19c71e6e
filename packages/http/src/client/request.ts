/** From a plan to a `Response`: what is asked first, the hops, the redirects. */
import { channel } from 'node:diagnostics_channel'
import { asTroupeError, childTrace, type EntryId, type Frame, invalid, TroupeError } from '@troupe/core'
import { type NetworkAccess, networkAccess, threadOverlay } from '@troupe/network'
import type { BatchRequest, BatchResult } from '../options.ts'
import { answerOf } from './response/response.ts'
import { releaseBody } from './body/body.ts'
import { type Decoded, decode } from './response/decode.ts'
import { cancelBody, discard } from './response/discard.ts'
import type { Exchange } from './response/exchange.ts'
import { requestFailure, shownUrl } from './errors.ts'
import { hop, type Journey } from './attempt.ts'
import { permitted } from './request/permission.ts'
import { loadSchema, needsSchema, type Plan, planRequest } from './request/parsed-request.ts'
import { locationOf, mostRedirects, redirected, tlsFor } from './request/redirect.ts'
import { inheritedOverlay, selectOverlay } from './request/overlay-selection.ts'
import { Watch } from './deadline.ts'
import type { Sent } from './outgoing-request.ts'

export { closePools } from './attempt.ts'

/** One event for each request, when the head of its answer has come or it has failed. */
const requests = channel('troupe:http:request')

/** Answers `http.get` and its siblings. */
export async function request(method: unknown, url: unknown, options: unknown, frame: Frame | undefined): Promise<Response> {
  const access = networkAccess()
  if (needsSchema(options)) await loadSchema()
  const plan = planRequest(method, url, options, 'options')
  const overlay = granted(plan, access)
  return perform(plan, overlay instanceof Promise ? await overlay : overlay, frame, access)
}

/** Answers `http.batch`: everything is parsed and granted before anything is sent. */
export async function batch(list: readonly BatchRequest[], frame: Frame | undefined): Promise<BatchResult[]> {
  const access = networkAccess()
  await loadSchema()
  if (!Array.isArray(list)) throw invalid('http.batch: expected a list of [method, url, options]', { path: 'requests' })
  const plans = list.map((each, index) => {
    const where = `requests[${index}]`
    if (!Array.isArray(each)) throw invalid(`${where}: expected [method, url, options]`, { path: where })
    return planRequest(each[0], each[1], each[2], where)
  })
  const overlays = await Promise.all(plans.map(async (plan) => granted(plan, access)))
  return Promise.all(
    plans.map(async (plan, index): Promise<BatchResult> => {
      try {
        return { response: await perform(plan, overlays[index] ?? null, frame, access) }
      } catch (error) {
        return { error: asTroupeError(error) }
      }
    }),
  )
}

/** The overlay of a request that may be made; at once where nobody has to be asked. */
function granted(plan: Plan, access: NetworkAccess): EntryId | null | Promise<EntryId | null> {
  const { url, tls, unixSocket, overlay } = plan
  const asked = permitted({ url, insecure: tls?.insecureSkipVerify === true, unixSocket }, access)
  const inherits = asked === undefined && overlay === undefined && unixSocket === undefined && threadOverlay() !== undefined
  return inherits ? inheritedOverlay() : selected(plan, asked, access)
}

async function selected(plan: Plan, asked: Promise<void> | undefined, access: NetworkAccess): Promise<EntryId | null> {
  try {
    await asked
    return await selectOverlay(plan, access)
  } catch (thrown) {
    releaseBody(plan.body)
    throw requestFailure(thrown, { method: plan.method, url: plan.url, overlay: plan.overlay })
  }
}

async function perform(plan: Plan, overlay: EntryId | null, frame: Frame | undefined, access: NetworkAccess): Promise<Response> {
  const watch = new Watch({ timeout: plan.timeout, deadline: frame?.deadline, signal: plan.signal })
  const began = requests.hasSubscribers ? performance.now() : 0
  const report = (outcome: { readonly status: number } | { readonly error: unknown }) => {
    if (!requests.hasSubscribers) return
    requests.publish({ method: plan.method, url: shownUrl(plan.url), overlay, milliseconds: performance.now() - began, ...outcome })
  }
  try {
    join(plan, overlay, frame)
    const response = await follow({ plan, overlay, watch, frame, access })
    report({ status: response.status })
    return response
  } catch (error) {
    watch[Symbol.dispose]()
    releaseBody(plan.body)
    report({ error })
    throw error
  }
}

/** Makes the request a part of the trace in force, where that crosses into no overlay and out of none, or the request asks for it. */
function join({ headers, trace }: Plan, overlay: EntryId | null, frame: Frame | undefined): void {
  if (frame?.trace === undefined || headers.has('traceparent')) return
  if (trace ?? (overlay === null && threadOverlay() === null)) headers.set('traceparent', childTrace(frame.trace))
}

async function follow(journey: Journey): Promise<Response> {
  const { plan, overlay, watch, access } = journey
  let sent: Sent = plan
  for (let redirects = 0; ; redirects++) {
    const exchange = await hop(journey, sent)
    const location = plan.redirect === 'manual' ? undefined : locationOf(exchange)
    if (location === undefined) {
      watch.answered()
      exchange.whenFinished(() => watch[Symbol.dispose]())
      return answerOf(plan.decompress ? await decoded(exchange, journey, sent) : exchange, sent.url, redirects > 0)
    }
    try {
      await discard(exchange)
      if (plan.redirect === 'error') throw invalid('was answered with a redirect, and redirect is "error"', { status: exchange.status })
      if (redirects === mostRedirects) throw new TroupeError('Unavailable', `more than ${mostRedirects} redirects`, { retryable: false })
      const next = redirected(sent, exchange.status, location)
      if (plan.unixSocket !== undefined && next.url.origin !== plan.url.origin) throw leavesSocket(next.url)
      const insecure = tlsFor(plan.tls, plan.url, next.url)?.insecureSkipVerify === true
      await permitted({ url: next.url, insecure, unixSocket: plan.unixSocket }, access)
      sent = next
    } catch (thrown) {
      throw requestFailure(thrown, { method: sent.method, url: sent.url, overlay })
    }
  }
}

async function decoded(exchange: Exchange, { plan, overlay }: Journey, { method, url }: Sent): Promise<Decoded> {
  const failure = (thrown: unknown) => requestFailure(thrown, { method, url, overlay })
  try {
    return await decode(exchange, { maxResponseBody: plan.maxResponseBody, failure })
  } catch (thrown) {
    await cancelBody(exchange)
    throw failure(thrown)
  }
}

/** The socket is one service's: what it says of other hosts is not for it, and the network was not asked for. */
function leavesSocket(url: URL): TroupeError {
  return new TroupeError('Unavailable', `was redirected to ${shownUrl(url)}, which is not behind the Unix socket`, { retryable: false })
}
