/** Delays that grow with each failure in a row. */

export interface Growth {
  /** Milliseconds before the second attempt. */
  readonly first: number
  readonly longest: number
}

/** Milliseconds after so many failures in a row: doubled with each. */
export function grown({ first, longest }: Growth, failures: number): number {
  return Math.min(longest, first * 2 ** Math.max(0, failures - 1))
}
