/** When a failed service is started again. */
import { backoffDelay } from '@troupe/core'
import type { Lifecycle } from '@troupe/registry'

export type RestartPolicy = Lifecycle['restart']

/**
 * Milliseconds until attempt number `attempt` (from 1): the initial delay, grown by the factor for each attempt before, up to the
 * maximum, and moved by the jitter so that services which failed together do not come back together.
 */
export function restartDelay(policy: RestartPolicy, attempt: number, random: () => number = Math.random): number {
  const { initialDelay: initial, maxDelay: max, backoffFactor: factor, jitter } = policy
  return backoffDelay({ initial, max, factor, jitter }, attempt, random)
}

/** Whether no further attempt is due after `attempts` that failed. */
export function isExhausted(policy: RestartPolicy, attempts: number): boolean {
  return policy.maxAttempts > 0 && attempts >= policy.maxAttempts
}
