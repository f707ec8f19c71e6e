/** Why an overlay may be used: because somebody chose it and was allowed to. It stands as long as the policies allow that choice. */
import type { EntryId, Frame } from '@troupe/core'

/** What policies say, as far as warrants need it. */
export interface Judge {
  /** Grows with each change of the policies. */
  readonly generation: number
  governs(frame: Frame): boolean
  /** Whether the code in `frame` may choose the overlay. */
  allows(frame: Frame, overlay: EntryId | null): boolean
}

export interface Warrant {
  readonly stands: boolean
}

/** For what was chosen by the author of an entry, by the operator, or by code that policies do not govern. */
export const always: Warrant = { stands: true }

/** More are not kept apart; the oldest are made anew when they are needed. */
const mostKept = 10_000

export class Warrants {
  readonly #judge: Judge
  /** By what the policies are asked about, so that the many calls of one actor share one. */
  readonly #known = new Map<string, Warrant>()

  constructor(judge: Judge) {
    this.#judge = judge
  }

  /** The warrant of whoever in `frame` has just been allowed to choose `overlay`. */
  of(frame: Frame, overlay: EntryId | null): Warrant {
    if (!this.#judge.governs(frame)) return always
    const key = JSON.stringify([overlay, frame.actor, frame.scope])
    const known = this.#known.get(key) ?? new JudgedWarrant(this.#judge, frame, overlay)
    this.#known.delete(key)
    this.#known.set(key, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > mostKept && oldest !== undefined) this.#known.delete(oldest)
    return known
  }
}

class JudgedWarrant implements Warrant {
  readonly #judge: Judge
  readonly #frame: Frame
  readonly #overlay: EntryId | null
  #generation: number
  #stands = true

  constructor(judge: Judge, frame: Frame, overlay: EntryId | null) {
    this.#judge = judge
    this.#frame = frame
    this.#overlay = overlay
    this.#generation = judge.generation
  }

  get stands(): boolean {
    const { generation } = this.#judge
    if (generation !== this.#generation) {
      this.#stands = this.#judge.allows(this.#frame, this.#overlay)
      this.#generation = generation
    }
    return this.#stands
  }
}
