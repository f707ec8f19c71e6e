import { isMainThread } from 'node:worker_threads'

/** Pseudo-random choices that are the same for the same seed (mulberry32). */
export class Draw {
  readonly #junk: readonly (() => unknown)[]
  #state: number

  /** @param isHarsh - Junk may include values that end a thread by themselves. */
  constructor(seed: number, isHarsh = false) {
    this.#state = seed
    this.#junk = isHarsh ? [...junk, ...harsh] : junk
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** @throws RangeError for an empty list. */
  from<T>(list: readonly T[]): T {
    const chosen = list[this.below(list.length)]
    if (chosen === undefined) throw new RangeError('there is nothing to choose from')
    return chosen
  }

  /** A value that is not part of any message. */
  junk(): unknown {
    return this.from(this.#junk)()
  }

  /** Returns `message` with one random part replaced. */
  broken(message: object): object {
    const names = Object.keys(message)
    const name = names.length === 0 ? 'x' : this.from(names)
    const value: unknown = Reflect.get(message, name)
    const isDeeper = typeof value === 'object' && value !== null && !Array.isArray(value) && !this.oneIn(3)
    if (isDeeper) return { ...message, [name]: this.broken(value) }
    if (this.oneIn(3)) return Object.fromEntries(Object.entries(message).filter(([other]) => other !== name))
    return this.oneIn(4) ? { ...message, more: this.junk() } : { ...message, [name]: this.junk() }
  }
}

const deep = 2000

const junk: readonly (() => unknown)[] = [
  () => null,
  () => -1,
  () => 0.5,
  () => Number.NaN,
  () => 2 ** 60,
  () => 10n,
  () => '',
  () => 'x'.repeat(70_000),
  () => '<0.0>',
  () => ['x'],
  () => ({ length: 2 ** 31 }),
  () => ({ __proto__: null, constructor: 1 }),
  () => new Map([[{}, new Set([1])]]),
  () => new Error('x', { cause: new Error('y') }),
  () => new Uint8Array(1000),
  () => new Date(Number.NaN),
  () => /(a+)+$/,
  () => Array.from({ length: deep }).reduce<unknown>((inner) => [inner], 0),
  () => {
    const circle: Record<string, unknown> = {}
    circle['circle'] = circle
    return circle
  },
]

const harsh: readonly (() => unknown)[] = [
  () => Object.assign([1], { length: 2 ** 31 }),
  () => Object.assign([], { [2 ** 31 - 2]: 1 }),
  () => Array.from({ length: 2 ** 17 }),
  () => 'x'.repeat(2 ** 23),
  // Only where they are counted before they are decoded: in a process of its own, whose only thread this is.
  () => (isMainThread ? Array.from({ length: 300_000 }, () => ({})) : new Uint8Array(2 ** 22)),
  () => Array.from({ length: 5 * deep }).reduce<unknown>((inner) => ({ inner }), 0),
]
