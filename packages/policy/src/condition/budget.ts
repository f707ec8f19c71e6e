/**
 * What one decision may cost, so that no policy, and nothing that code makes up about a question, holds up the kernel. What takes long for
 * long data pays by the size of the data before it begins; a decision that cannot pay is a denial. A decision is synchronous, so one count
 * serves all of them.
 */

/** A unit is 10 ns of the reference machine at most, so a decision takes 40 ms at most. */
const decisionBudget = 4_000_000

let left = decisionBudget

/** A decision costs more than it may. */
export class TooCostly extends Error {
  constructor() {
    super('the policies of the scope cost more than a decision may: use shorter data, or simpler policies')
  }
}

/** A decision begins. */
export function beginDecision(): void {
  left = decisionBudget
}

/** Pays before something is done. @throws TooCostly */
export function spend(units: number): void {
  left -= units
  // NaN, too.
  if (!(left >= 0)) throw new TooCostly()
}

/** What it costs at most to find a text of `sought` characters in one of `length`: V8's search is quadratic at worst. */
export function searchCost(length: number, sought: number): number {
  return 2 * (length + sought) + (length * sought) / 16
}
