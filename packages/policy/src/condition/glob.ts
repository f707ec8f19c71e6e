/** Names with `*`, which stands for any run of characters, also an empty one. */

import { searchCost, spend } from './budget.ts'

/** A compiled set of patterns. */
export class Globs {
  /** The patterns as they were written. */
  readonly patterns: readonly string[]
  /** The patterns, if none has a `*`; such sets can be found by name. */
  readonly names: readonly string[] | undefined
  readonly #any: boolean
  readonly #exact: ReadonlySet<string> | undefined
  readonly #globs: readonly Glob[]

  constructor(patterns: readonly string[]) {
    const exact = patterns.filter((pattern) => !pattern.includes('*'))
    this.patterns = patterns
    this.names = exact.length === patterns.length ? exact : undefined
    this.#any = patterns.some((pattern) => pattern !== '' && pattern.replaceAll('*', '') === '')
    this.#exact = exact.length > 0 ? new Set(exact) : undefined
    this.#globs = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => new Glob(pattern))
  }

  /** Returns whether one of the patterns covers all of `text`. */
  match(text: string): boolean {
    if (this.#any || this.#exact?.has(text) === true) return true
    for (const glob of this.#globs) if (glob.match(text)) return true
    return false
  }
}

/** One pattern. */
export class Glob {
  readonly #first: string
  readonly #middle: readonly string[]
  readonly #last: string
  /** Number of characters that are searched for in a text. */
  readonly #sought: number

  constructor(pattern: string) {
    const [first = '', ...rest] = pattern.split('*')
    this.#first = first
    this.#last = rest.pop() ?? ''
    this.#middle = rest.filter((part) => part !== '')
    this.#sought = this.#middle.join('').length
  }

  /**
   * Searches each part once, from where the one before it ended. The leftmost place is never a wrong one, so nothing is
   * searched twice.
   */
  match(text: string): boolean {
    const end = text.length - this.#last.length
    if (end < this.#first.length || !text.startsWith(this.#first) || !text.endsWith(this.#last)) return false
    let from = this.#first.length
    if (this.#sought > 0) spend(searchCost(text.length, this.#sought))
    for (const part of this.#middle) {
      const at = text.indexOf(part, from)
      if (at === -1) return false
      from = at + part.length
    }
    return from <= end
  }
}
