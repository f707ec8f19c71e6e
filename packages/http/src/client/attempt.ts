/** One hop of a request: by the way that holds now, sent again where the caller wants that. */
import type { Readable } from 'node:stream'
import { asTroupeError, currentSlot, type EntryId, type Frame, runInSlot, type TroupeError } from '@troupe/core'
import { currentIsolation, type Isolation, type NetworkAccess, threadOverlay } from '@troupe/network'
import { isReplayable } from './body/body.ts'
import { discard } from './response/discard.ts'
import { Exchange } from './response/exchange.ts'
import { requestFailure } from './errors.ts'
import { keepApart, keepCookies, withCookies } from './request/cookies.ts'
import type { Lane, Rider } from './connection/connection.ts'
import type { Plan } from './request/parsed-request.ts'
import type { Pool } from './connection/agent.ts'
import { Pools } from './connection/agent-cache.ts'
import { tlsFor } from './request/redirect.ts'
import { idempotent } from './request/idempotent.ts'
import { budgetOf, delayAfterAnswer, delayAfterFailure } from './request/retry.ts'
import type { OnProgress } from './request/options-schema.ts'
import type { Sent } from './outgoing-request.ts'
import type { Watch } from './deadline.ts'

const pools = new Pools()

/** Ends the pools: what runs may finish for `drain` milliseconds. */
export function closePools(drain: number): Promise<void> {
  return pools.close(drain)
}

/** What all hops of a request have in common. */
export interface Journey {
  readonly plan: Plan
  readonly overlay: EntryId | null
  readonly watch: Watch
  readonly frame: Frame | undefined
  readonly access: NetworkAccess
}

/**
 * Sends `sent` and answers when the head of the answer is there.
 *
 * @throws TroupeError that says which request, by which way.
 */
export async function hop(journey: Journey, sent: Sent): Promise<Exchange> {
  const { retry } = journey.plan
  if (retry === undefined || retry.limit === 0) return once(journey, sent)
  const budget = budgetOf(JSON.stringify([journey.overlay, journey.frame?.actor?.id, sent.url.origin]))
  budget.earn()
  for (let number = 0; ; number++) {
    const attempt = { sent, number, left: journey.watch.left }
    const outcome = await once(journey, sent).catch((error: unknown) => asTroupeError(error))
    const failed = !(outcome instanceof Exchange)
    const delay = failed ? delayAfterFailure(retry, attempt, outcome) : delayAfterAnswer(retry, attempt, outcome)
    if (delay === undefined || journey.watch.reason !== undefined || !budget.spend(performance.now())) {
      if (failed) throw outcome
      return outcome
    }
    if (!failed) await discard(outcome)
    await journey.watch.pause(delay)
  }
}

async function once(journey: Journey, sent: Sent): Promise<Exchange> {
  const { plan, overlay, watch, access } = journey
  const { method, url } = sent
  const failure = (thrown: unknown) => requestFailure(thrown, { method, url, overlay })
  try {
    // Asked for each time: the overlay may have been rebuilt meanwhile.
    const route = overlay === null ? undefined : await watch.race(access.route(overlay))
    if (plan.jar !== undefined && !plan.shareCookies) keepApart(plan.jar, overlay, plan.isolation)
    const headers = plan.jar === undefined ? sent.headers : await withCookies(sent.headers, plan.jar, url)
    const tls = tlsFor(plan.tls, plan.url, url)
    const fresh = overlay !== null && plan.isolation === undefined && overlay !== threadOverlay()
    const actor = journey.frame?.actor?.id
    const pool = pools.take({ route, actor, isolation: isolationOf(journey), fresh, tls, unixSocket: plan.unixSocket })
    const exchange = await exchanged(pool, { ...sent, headers }, journey, failure)
    if (plan.jar !== undefined) await keepCookies(plan.jar, url, exchange.fields['set-cookie'])
    return exchange
  } catch (thrown) {
    throw failure(thrown)
  }
}

/**
 * One exchange. A connection that was kept may have been closed by the server at the moment at which it is used again: then the request is sent
 * once more, on a new one, where that does no harm (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
 */
async function exchanged(
  pool: Pool,
  sent: Sent,
  journey: Journey,
  failure: (thrown: unknown) => TroupeError,
  fresh = false,
): Promise<Exchange> {
  const { plan, watch, access } = journey
  const { origin } = sent.url
  const slot = currentSlot()
  const ask = (address: string) => access.permit?.('http_client.private_ip', address)
  // Asked wherever the connection is opened, in the name of whoever made the request.
  const rider: Rider = { watch, permit: (address) => (slot === undefined ? ask(address) : runInSlot(slot, () => ask(address))) }
  watch.throwIfEnded()
  const boarded = pool.board(origin, rider, fresh)
  const lane = boarded instanceof Promise ? await watch.race(boarded) : boarded
  const again = !fresh && lane.kept && idempotent.includes(sent.method) && isReplayable(sent.body)
  const { bytesRead } = lane
  const onFinished = () => pool.leave(origin, lane, rider)
  if (watch.reason !== undefined) onFinished()
  watch.throwIfEnded()
  const { timeout, maxResponseBody, onDownload } = plan
  const exchange = new Exchange({ watch, method: sent.method, timeout, maxResponseBody, onDownload, failure, onFinished })
  try {
    await send(lane, sent, exchange, plan)
  } catch (error) {
    exchange.fail(error)
  }
  try {
    await exchange.head
    return exchange
  } catch (error) {
    // With HTTP/2 what comes may belong to others.
    const silent = !exchange.answered && (lane.protocol === 'h2' || lane.bytesRead === bytesRead)
    if (!again || !silent || watch.reason !== undefined || !isClosed(error)) throw error
    return exchanged(pool, sent, journey, failure, true)
  }
}

const closedCodes = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'ECONNABORTED', 'EPIPE'])

function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && closedCodes.has(error.code)
}

async function send(lane: Lane, sent: Sent, exchange: Exchange, plan: Plan): Promise<void> {
  const { method, url, headers } = sent
  let body: Buffer | Readable | null
  if (sent.body === undefined || Buffer.isBuffer(sent.body)) body = sent.body ?? null
  else {
    const total = await sent.body.length()
    if (exchange.ended) return
    if (total !== undefined) headers.set('content-length', String(total))
    body = exchange.upload = sent.body.open(plan.onUpload && progressOf(plan.onUpload, total))
  }
  const options = { path: `${url.pathname}${url.search}`, method, headers: headers.flat, body }
  lane.dispatch(options, exchange)
}

function progressOf(tell: OnProgress, total: number | undefined): (bytes: number) => void {
  let sum = 0
  return (bytes) => tell({ bytes: (sum += bytes), total })
}

/** The key of the thread's network, and what the request asks for. */
function isolationOf({ plan, overlay }: Journey): Isolation {
  const key = plan.isolation
  // In the clear there is nobody to tell.
  const own = overlay === null ? nobody : currentIsolation()
  return key === undefined ? own : { ...own, key }
}

const nobody: Isolation = Object.freeze({})
