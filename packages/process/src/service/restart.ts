/** The rules for the restart of a failed service. */
import { backoffDelay } from '@troupe/core'
import type { Lifecycle } from '@troupe/registry'

export type RestartPolicy = Lifecycle['restart']

/**
 * Milliseconds until attempt number `attempt` (from 1). The initial delay is multiplied by the factor for each earlier
 * attempt, up to the maximum. It is then changed by the jitter, so that services which failed together do not restart
 * together.
 */
export function restartDelay(policy: RestartPolicy, attempt: number, random: () => number = Math.random): number {
  const { initialDelay: initial, maxDelay: max, backoffFactor: factor, jitter } = policy
  return backoffDelay({ initial, max, factor, jitter }, attempt, random)
}

/** Whether no further attempt follows after `attempts` failed ones. */
export function isExhausted(policy: RestartPolicy, attempts: number): boolean {
  return policy.maxAttempts > 0 && attempts >= policy.maxAttempts
}
