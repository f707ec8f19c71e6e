/** When a failed service is started again. */
import type { Lifecycle } from '@troupe/registry'

export type RestartPolicy = Lifecycle['restart']

/**
 * Milliseconds until attempt number `attempt` (from 1): the initial delay, grown by the factor for each attempt before, up to the
 * maximum, and moved by the jitter so that services which failed together do not come back together.
 */
export function restartDelay(policy: RestartPolicy, attempt: number, random: () => number = Math.random): number {
  const growth = Math.min(Number.MAX_VALUE, policy.backoffFactor ** Math.max(0, attempt - 1))
  const grown = Math.min(policy.maxDelay, policy.initialDelay * growth)
  return Math.max(0, Math.min(policy.maxDelay, grown * (1 + policy.jitter * (2 * random() - 1))))
}

/** Whether no further attempt is due after `attempts` that failed. */
export function isExhausted(policy: RestartPolicy, attempts: number): boolean {
  return policy.maxAttempts > 0 && attempts >= policy.maxAttempts
}
