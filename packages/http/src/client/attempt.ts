/** One hop of a request: by the current route, with the retries that the caller wants. */
import type { Readable } from 'node:stream'
import { asTroupeError, currentSlot, type EntryId, type Frame, runInSlot, type TroupeError } from '@troupe/core'
import { currentIsolation, type Isolation, type NetworkAccess, threadOverlay } from '@troupe/network'
import { isReplayable, type StreamedBody } from './body/body.ts'
import { discard } from './response/discard.ts'
import { Exchange } from './response/exchange.ts'
import { requestFailure } from './errors.ts'
import { keepApart, keepCookies, withCookies } from './request/cookies.ts'
import type { Connection, Waiter } from './connection/connection.ts'
import type { ParsedRequest } from './request/parsed-request.ts'
import type { Agent } from './connection/agent.ts'
import { AgentCache } from './connection/agent-cache.ts'
import { tlsFor } from './request/redirect.ts'
import { idempotent } from './request/idempotent.ts'
import { budgetOf, delayAfterResponse, delayAfterFailure } from './request/retry.ts'
import type { OnProgress, RetryPlan } from './request/options-schema.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import type { Deadline } from './deadline.ts'

const agentCache = new AgentCache()

/** Closes the pools: running requests may finish for `drain` milliseconds. */
export function closeAgents(drain: number, application?: number): Promise<void> {
  return agentCache.close(drain, application)
}

/** The state that all hops of a request share. */
export interface RequestState {
  readonly parsed: ParsedRequest
  readonly overlay: EntryId | null
  readonly deadline: Deadline
  readonly frame: Frame | undefined
  readonly access: NetworkAccess
}

/**
 * Sends `sent` and returns when the head of the response has arrived.
 *
 * @throws TroupeError that names the request and its overlay.
 */
export function sendAttempt(state: RequestState, outgoing: OutgoingRequest): Promise<Exchange> {
  const { retry } = state.parsed
  return retry === undefined || retry.limit === 0 ? once(state, outgoing) : withRetries(state, outgoing, retry)
}

async function withRetries(state: RequestState, outgoing: OutgoingRequest, retry: RetryPlan): Promise<Exchange> {
  const budget = budgetOf(JSON.stringify([state.overlay, state.frame?.actor?.id, outgoing.url.origin]))
  budget.earn()
  for (let number = 0; ; number++) {
    const attempt = { outgoing, number, left: state.deadline.left }
    const outcome = await once(state, outgoing).catch((error: unknown) => asTroupeError(error))
    const failed = !(outcome instanceof Exchange)
    const delay = failed ? delayAfterFailure(retry, attempt, outcome) : delayAfterResponse(retry, attempt, outcome)
    if (delay === undefined || state.deadline.reason !== undefined || !budget.spend(performance.now())) {
      if (failed) throw outcome
      return outcome
    }
    if (!failed) await discard(outcome)
    await state.deadline.pause(delay)
  }
}

async function once(state: RequestState, outgoing: OutgoingRequest): Promise<Exchange> {
  const { parsed, overlay, deadline, access } = state
  const { method, url } = outgoing
  const failure = (thrown: unknown) => requestFailure(thrown, { method, url, overlay })
  try {
    // Read each time, because the overlay may have been rebuilt in the meantime.
    const route = overlay === null ? undefined : await deadline.race(access.route(overlay))
    if (parsed.jar !== undefined && !parsed.shareCookies)
      keepApart(parsed.jar, { overlay, application: route?.application, isolation: parsed.isolation })
    const headers = parsed.jar === undefined ? outgoing.headers : await withCookies(outgoing.headers, parsed.jar, url)
    const tls = tlsFor(parsed.tls, parsed.url, url)
    const fresh = overlay !== null && parsed.isolation === undefined && overlay !== threadOverlay()
    const actor = state.frame?.actor?.id
    const pool = agentCache.agentFor({
      route,
      application: route?.application ?? access.application,
      actor,
      isolation: isolationOf(state),
      fresh,
      tls,
      unixSocket: parsed.unixSocket,
    })
    const sent = headers === outgoing.headers ? outgoing : { ...outgoing, headers }
    const exchange = await exchanged(pool, sent, state, failure)
    if (parsed.jar !== undefined) await keepCookies(parsed.jar, url, exchange.fields['set-cookie'])
    return exchange
  } catch (thrown) {
    throw failure(thrown)
  }
}

/**
 * Makes one exchange. The server may close a kept connection at the moment of its next use. Then the request is sent
 * once more, on a new connection, where that does no harm (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
 */
async function exchanged(
  pool: Agent,
  outgoing: OutgoingRequest,
  state: RequestState,
  failure: (thrown: unknown) => TroupeError,
  fresh = false,
): Promise<Exchange> {
  const { parsed, deadline, access } = state
  const { origin } = outgoing.url
  const slot = currentSlot()
  const ask = (address: string) => access.permit?.('http_client.private_ip', address)
  // Called wherever the connection is opened, in the name of the request's caller.
  const waiter: Waiter = {
    deadline,
    permit: (address) => (slot === undefined ? ask(address) : runInSlot(slot, () => ask(address))),
  }
  deadline.throwIfEnded()
  const boarded = pool.acquire(origin, waiter, fresh)
  const connection = boarded instanceof Promise ? await deadline.race(boarded) : boarded
  const again = !fresh && connection.kept && idempotent.includes(outgoing.method) && isReplayable(outgoing.body)
  const { bytesRead } = connection
  const onFinished = () => pool.leave(origin, connection, waiter)
  if (deadline.reason !== undefined) onFinished()
  deadline.throwIfEnded()
  const { timeout, maxResponseBody, onDownload } = parsed
  const exchange = new Exchange({
    deadline,
    method: outgoing.method,
    timeout,
    maxResponseBody,
    onDownload,
    failure,
    onFinished,
  })
  try {
    const { body } = outgoing
    if (body === undefined || Buffer.isBuffer(body)) dispatch(connection, outgoing, exchange, body ?? null)
    else await stream(connection, outgoing, exchange, body, parsed)
  } catch (error) {
    exchange.fail(error)
  }
  try {
    await exchange.head
    return exchange
  } catch (error) {
    // With HTTP/2 the received bytes may belong to other requests.
    const silent = !exchange.answered && (connection.protocol === 'h2' || connection.bytesRead === bytesRead)
    if (!again || !silent || deadline.reason !== undefined || !isClosed(error)) throw error
    return exchanged(pool, outgoing, state, failure, true)
  }
}

const closedCodes = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'ECONNABORTED', 'EPIPE'])

function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && closedCodes.has(error.code)
}

async function stream(
  connection: Connection,
  outgoing: OutgoingRequest,
  exchange: Exchange,
  body: StreamedBody,
  { onUpload }: ParsedRequest,
): Promise<void> {
  const total = await body.length()
  if (exchange.ended) return
  if (total !== undefined) outgoing.headers.set('content-length', String(total))
  exchange.upload = body.open(onUpload && progressOf(onUpload, total))
  dispatch(connection, outgoing, exchange, exchange.upload)
}

function dispatch(
  connection: Connection,
  { method, url, headers }: OutgoingRequest,
  exchange: Exchange,
  body: Buffer | Readable | null,
): void {
  connection.dispatch({ path: `${url.pathname}${url.search}`, method, headers: headers.flat, body }, exchange)
}

function progressOf(tell: OnProgress, total: number | undefined): (bytes: number) => void {
  let sum = 0
  return (bytes) => tell({ bytes: (sum += bytes), total })
}

/** Returns the isolation key of the thread's network, and that of the request. */
function isolationOf({ parsed, overlay }: RequestState): Isolation {
  const key = parsed.isolation
  // In the clear network no isolation is needed.
  const own = overlay === null ? noIsolation : currentIsolation()
  return key === undefined ? own : { ...own, key }
}

const noIsolation: Isolation = Object.freeze({})
