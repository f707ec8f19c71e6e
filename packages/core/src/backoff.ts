/** Delays between attempts that grow with each failure in a row. */

export interface Backoff {
  /** Milliseconds before the second attempt. */
  readonly initial: number
  readonly max: number
  /** @default 2 */
  readonly factor?: number
  /**
   * By which share a delay is moved up or down by chance, so that what failed together does not come back together: 0 to 1. `full` draws it
   * between nothing and the whole.
   *
   * @default 0
   */
  readonly jitter?: number | 'full'
}

/**
 * Milliseconds to wait after so many failures in a row, never more than the maximum.
 *
 * @param random Draws from 0 to 1; tests give one that they know.
 */
export function backoffDelay(
  { initial, max, factor = 2, jitter = 0 }: Backoff,
  failures: number,
  random: () => number = Math.random,
): number {
  const growth = Math.min(Number.MAX_VALUE, factor ** Math.max(0, failures - 1))
  const grown = Math.min(max, initial * growth)
  if (jitter === 'full') return grown * random()
  return jitter === 0 ? grown : Math.max(0, Math.min(max, grown * (1 + jitter * (2 * random() - 1))))
}
