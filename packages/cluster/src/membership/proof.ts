/**
 * Since when the bucket has accepted our writes without a pause. While it accepts nothing, no node can renew, so the
 * silence of others proves nothing.
 */
export class AcceptanceProof {
  readonly #gap: number
  #since = 0
  #last: number | undefined

  /** @param gap - Milliseconds without an accepted write that count as a pause. */
  constructor(gap: number) {
    this.#gap = gap
  }

  accepted(now: number): void {
    if (!this.holds(now)) this.#since = now
    this.#last = now
  }

  /** Whether the bucket accepts writes now, as far as we can tell. */
  holds(now: number): boolean {
    return this.#last !== undefined && now - this.#last <= this.#gap
  }

  /** The time of the first write that was accepted since the last pause. */
  get since(): number {
    return this.#since
  }
}
