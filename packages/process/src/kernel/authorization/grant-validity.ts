/**
 * The reason why an overlay may be used: some code chose it and was allowed to. A grant is valid as long as the
 * policies allow that choice.
 */
import { serialize } from 'node:v8'
import { type EntryId, type Frame, forgetOldest } from '@troupe/core'

/** The part of the policies that grants need. */
export interface PolicyCheck {
  /** Increases with each change of the policies. */
  readonly generation: number
  governs(frame: Frame): boolean
  /** Whether the code in `frame` may choose the overlay. */
  allows(frame: Frame, overlay: EntryId | null): boolean
}

export interface Grant {
  readonly isValid: boolean
}

/** For overlays chosen by the author of an entry, by the operator, or by code that policies do not govern. */
export const always: Grant = { isValid: true }

/** Maximum number of grants kept; the oldest are created again when they are needed. */
const mostKept = 10_000

export class GrantValidity {
  readonly #judge: PolicyCheck
  /** Keyed by the input of the policy check, so that the many calls of one actor share one grant. */
  readonly #known = new Map<string, Grant>()

  constructor(judge: PolicyCheck) {
    this.#judge = judge
  }

  /** The grant of the code in `frame` that has just been allowed to choose `overlay`. */
  of(frame: Frame, overlay: EntryId | null): Grant {
    if (!this.#judge.governs(frame)) return always
    // Actors may hold anything that structured clone carries: in JSON, maps would be alike, and big numbers an error.
    const key = serialize([overlay, frame.actor, frame.scope]).toString('latin1')
    const known = this.#known.get(key) ?? new CheckedGrant(this.#judge, frame, overlay)
    this.#known.delete(key)
    this.#known.set(key, known)
    forgetOldest(this.#known, mostKept)
    return known
  }
}

class CheckedGrant implements Grant {
  readonly #judge: PolicyCheck
  readonly #frame: Frame
  readonly #overlay: EntryId | null
  #generation: number
  #isValid = true

  constructor(judge: PolicyCheck, frame: Frame, overlay: EntryId | null) {
    this.#judge = judge
    this.#frame = frame
    this.#overlay = overlay
    this.#generation = judge.generation
  }

  get isValid(): boolean {
    const { generation } = this.#judge
    if (generation !== this.#generation) {
      this.#isValid = this.#judge.allows(this.#frame, this.#overlay)
      this.#generation = generation
    }
    return this.#isValid
  }
}
