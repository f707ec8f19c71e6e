/** From a plan to a `Response`: the overlay, the pool, the redirects. */
import { channel } from 'node:diagnostics_channel'
import { asTroupeError, childTrace, type EntryId, type Frame, invalid, TroupeError } from '@troupe/core'
import { currentIsolation, type Isolation, type NetworkAccess, networkAccess } from '@troupe/network'
import type { BatchRequest, BatchResult } from '../options.ts'
import { releaseBody } from './body.ts'
import { type Answer, exchange, type Sent } from './exchange.ts'
import { requestFailure, shownUrl } from './failure.ts'
import { type Plan, planRequest } from './plan.ts'
import { Pools } from './pools.ts'
import { locationOf, mostRedirects, redirected, tlsFor } from './redirect.ts'
import { selectOverlay } from './selection.ts'
import { permitted } from './permission.ts'
import { Watch } from './watch.ts'

const pools = new Pools()

/** One event for each request, when the head of its answer has come or it has failed. */
const requests = channel('troupe:http:request')

/** Answers `http.get` and its siblings. */
export async function request(method: unknown, url: unknown, options: unknown, frame: Frame | undefined): Promise<Response> {
  const access = networkAccess()
  const plan = traced(planRequest(method, url, options, 'options'), frame)
  return perform(plan, await selected(plan, frame, access), frame, access)
}

/** Answers `http.batch`: everything is parsed and granted before anything is sent. */
export async function batch(list: readonly BatchRequest[], frame: Frame | undefined): Promise<BatchResult[]> {
  const access = networkAccess()
  if (!Array.isArray(list)) throw invalid('http.batch: expected a list of [method, url, options]', { path: 'requests' })
  const plans = list.map((each, index) => {
    const where = `requests[${index}]`
    if (!Array.isArray(each)) throw invalid(`${where}: expected [method, url, options]`, { path: where })
    return traced(planRequest(each[0], each[1], each[2], where), frame)
  })
  const overlays = await Promise.all(plans.map((plan) => selected(plan, frame, access)))
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

/** Ends the pools: what runs may finish for `drain` milliseconds. */
export function closePools(drain: number): Promise<void> {
  return pools.close(drain)
}

/** The request as a part of the trace in force, unless it names one itself. */
function traced(plan: Plan, frame: Frame | undefined): Plan {
  if (frame?.trace !== undefined && !plan.headers.has('traceparent')) plan.headers.set('traceparent', childTrace(frame.trace))
  return plan
}

async function selected(plan: Plan, frame: Frame | undefined, access: NetworkAccess): Promise<EntryId | null> {
  try {
    await permitted(plan, plan.url, access)
    return await selectOverlay(plan.overlay, frame, access)
  } catch (thrown) {
    releaseBody(plan.body)
    throw requestFailure(thrown, { method: plan.method, url: plan.url, overlay: plan.overlay })
  }
}

async function perform(plan: Plan, overlay: EntryId | null, frame: Frame | undefined, access: NetworkAccess): Promise<Response> {
  const watch = new Watch({ timeout: plan.timeout, deadline: frame?.deadline, signal: plan.signal })
  const began = performance.now()
  const report = (outcome: { readonly status: number } | { readonly error: unknown }) => {
    if (!requests.hasSubscribers) return
    requests.publish({ method: plan.method, url: shownUrl(plan.url), overlay, milliseconds: performance.now() - began, ...outcome })
  }
  try {
    const response = await follow(plan, overlay, watch, frame, access)
    report({ status: response.status })
    return response
  } catch (error) {
    watch[Symbol.dispose]()
    releaseBody(plan.body)
    report({ error })
    throw error
  }
}

/** The frame's actor, and whichever process or call runs. */
function isolationOf(frame: Frame | undefined): Isolation {
  const { process } = currentIsolation()
  return { ...(frame?.actor && { actor: frame.actor.id }), ...(process !== undefined && { process }) }
}

async function follow(
  plan: Plan,
  overlay: EntryId | null,
  watch: Watch,
  frame: Frame | undefined,
  access: NetworkAccess,
): Promise<Response> {
  let sent: Sent = plan
  for (let redirects = 0; ; redirects++) {
    const { method, url } = sent
    const failure = (thrown: unknown) => requestFailure(thrown, { method, url, overlay })
    try {
      // Asked for each hop: the overlay may have been rebuilt meanwhile.
      const route = overlay === null ? undefined : await watch.race(access.route(overlay))
      const pool = pools.take(route, isolationOf(frame), tlsFor(plan.tls, plan.url, url))
      const { timeout, maxResponseBody } = plan
      const answer = await exchange(pool, sent, { watch, timeout, maxResponseBody, failure })
      const location = plan.redirect === 'manual' ? undefined : locationOf(answer)
      if (location === undefined) {
        watch.answered()
        void answer.finished.then(() => watch[Symbol.dispose]())
        return responseOf(answer, url, redirects > 0)
      }
      await drain(answer)
      if (plan.redirect === 'error') throw invalid('was answered with a redirect, and redirect is "error"', { status: answer.status })
      if (redirects === mostRedirects) throw new TroupeError('Unavailable', `more than ${mostRedirects} redirects`, { retryable: false })
      sent = redirected(sent, answer.status, location)
      await permitted(plan, sent.url, access)
    } catch (thrown) {
      throw failure(thrown)
    }
  }
}

function responseOf({ status, statusText, headers, body }: Answer, url: URL, redirected: boolean): Response {
  const response = new Response(body, { status, statusText, headers })
  // A constructed Response has no way to say where it came from.
  Object.defineProperties(response, {
    url: { value: url.href, enumerable: true, configurable: true },
    redirected: { value: redirected, enumerable: true, configurable: true },
  })
  return response
}

/** Reads the body of a redirect, so that its connection can be used again; a long one is cut. */
async function drain({ body }: Answer): Promise<void> {
  if (body === null) return
  let length = 0
  for await (const chunk of body) {
    length += chunk.byteLength
    if (length > 64 * 1024) return
  }
}
