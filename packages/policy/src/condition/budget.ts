/**
 * Limits the cost of one decision, so that neither a policy nor the data of a question can block the kernel. An
 * operation whose time grows with its data pays by the size of the data before it begins. A decision that cannot pay is
 * a denial. A decision is synchronous, so one counter serves all decisions.
 */

/** A unit is at most 10 ns on the reference machine, so a decision takes at most 40 ms. */
const decisionBudget = 4_000_000

let left = decisionBudget

/** Thrown when a decision exceeds its budget. */
export class TooCostly extends Error {
  constructor() {
    super('the policies of the scope cost more than a decision may: use shorter data, or simpler policies')
  }
}

/** Begins a decision with a full budget. */
export function beginDecision(): void {
  left = decisionBudget
}

/** Pays before an operation. @throws TooCostly */
export function spend(units: number): void {
  left -= units
  // This also catches NaN.
  if (!(left >= 0)) throw new TooCostly()
}

/**
 * Returns the maximum cost of finding a text of `sought` characters in one of `length`: V8's search is quadratic in the
 * worst case.
 */
export function searchCost(length: number, sought: number): number {
  return 2 * (length + sought) + (length * sought) / 16
}
