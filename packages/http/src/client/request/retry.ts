/** Decides whether a request is sent once more, and after how long. */
import { backoffDelay, type TroupeError, forgetOldest } from '@troupe/core'
import { isReplayable } from '../body/body.ts'
import type { Exchange } from '../response/exchange.ts'
import type { RetryPlan } from './options-schema.ts'
import type { OutgoingRequest } from '../outgoing-request.ts'

/** The price of a retry; a request earns one unit. */
const price = 5
/** The price of the retries in a second that are always allowed. */
const reserve = 10 * price
const mostTokens = 100 * price

/**
 * Prevents retries from increasing the load on a failing server. As in Finagle and Linkerd, a retry costs what five
 * requests earn, and some units are added each second.
 */
export class RetryBudget {
  #tokens = reserve
  #at: number

  /** @param now Milliseconds. */
  constructor(now: number) {
    this.#at = now
  }

  /** Records a request that may be retried. */
  earn(): void {
    this.#tokens = Math.min(mostTokens, this.#tokens + 1)
  }

  /** Returns whether one more retry is allowed, and pays for it. */
  spend(now: number): boolean {
    const came = ((now - this.#at) / 1000) * reserve
    this.#at = now
    this.#tokens = Math.max(this.#tokens, Math.min(reserve, this.#tokens + came))
    if (this.#tokens < price) return false
    this.#tokens -= price
    return true
  }
}

/** Beyond this number the least recently used budget is reset. */
const mostBudgets = 1024
const budgets = new Map<string, RetryBudget>()

/** Returns the budget for requests to one origin by one way. */
export function budgetOf(key: string): RetryBudget {
  const budget = budgets.get(key) ?? new RetryBudget(performance.now())
  budgets.delete(key)
  budgets.set(key, budget)
  forgetOldest(budgets, mostBudgets)
  return budget
}

/** The inputs of a delay besides the request. */
export interface Chance {
  readonly random: () => number
  /** Unix time in milliseconds. */
  readonly now: number
}

export interface AttemptResult {
  readonly outgoing: OutgoingRequest
  /** How often it was sent before. */
  readonly number: number
  /** Milliseconds until the response must have arrived. */
  readonly left: number
}

/** Returns the milliseconds until it should be sent again after a failure; `undefined`: not at all. */
export function delayAfterFailure(
  parsed: RetryPlan,
  attempt: AttemptResult,
  error: TroupeError,
  random = Math.random,
): number | undefined {
  const transient = error.retryable && (error.kind === 'Unavailable' || error.kind === 'Timeout')
  if (!transient || !mayRepeat(parsed, attempt)) return undefined
  return inTime(backoff(parsed, attempt.number, random), attempt)
}

/** Returns the milliseconds until it should be sent again after that response; `undefined`: the response is final. */
export function delayAfterResponse(
  parsed: RetryPlan,
  attempt: AttemptResult,
  answer: Pick<Exchange, 'status' | 'fields'>,
  { random, now }: Chance = { random: Math.random, now: Date.now() },
): number | undefined {
  if (!parsed.statuses.includes(answer.status) || !mayRepeat(parsed, attempt)) return undefined
  const wanted = retryAfter(answer.fields['retry-after'], now)
  if (wanted !== undefined && wanted > parsed.maxRetryAfter) return undefined
  return inTime(Math.max(wanted ?? 0, backoff(parsed, attempt.number, random)), attempt)
}

/** Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date. Returns milliseconds from now. */
function retryAfter(field: string | readonly string[] | undefined, now: number): number | undefined {
  if (typeof field !== 'string') return undefined
  if (/^\d+$/.test(field.trim())) return Number(field) * 1000
  const date = Date.parse(field)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function mayRepeat({ limit, methods }: RetryPlan, { outgoing, number }: AttemptResult): boolean {
  return number < limit && methods.includes(outgoing.method) && isReplayable(outgoing.body)
}

function backoff({ minDelay, maxDelay }: RetryPlan, number: number, random: () => number): number {
  return backoffDelay({ initial: minDelay, max: maxDelay, jitter: 'full' }, number + 1, random)
}

/** A wait that is longer than the caller's own would turn a known result into a timeout. */
function inTime(delay: number, { left }: AttemptResult): number | undefined {
  return delay < left ? delay : undefined
}
