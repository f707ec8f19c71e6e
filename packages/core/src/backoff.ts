/** Delays between attempts that grow with each failure in a row. */

/** The delays between attempts of one client. */
export interface Backoff {
  /** Milliseconds before the second attempt. */
  readonly initial: number
  readonly max: number
  /** @default 2 */
  readonly factor?: number
  /**
   * The random share by which a delay grows or shrinks, 0 to 1, so that clients that failed together do not retry
   * together. `full` draws the delay between 0 and its whole length.
   *
   * @default 0
   */
  readonly jitter?: number | 'full'
}

/**
 * Returns the milliseconds to wait after that many failures in a row, never more than the maximum.
 *
 * @param random Returns a number from 0 to 1; tests pass a fixed one.
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
