/** Calls that wait for a thread of their network, in the order in which they came. */
import type { Network } from '@troupe/process/kernel'
import type { PoolCall } from './pool-call.ts'

interface Line {
  readonly network: Network
  readonly calls: Set<PoolCall>
  /** By the clock of `performance`: when its network last had a thread. */
  served: number
}

export class CallQueue {
  /** By network; one that waits longer comes before one that began to wait later. */
  readonly #lines = new Map<string, Line>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The networks that calls wait for. */
  get networks(): readonly Network[] {
    return Array.from(this.#lines.values(), ({ network }) => network)
  }

  /** Calls that wait for threads of a network. */
  count({ key }: Network): number {
    return this.#lines.get(key)?.calls.size ?? 0
  }

  /** By the clock of `performance`: since when the first of them waits, or since its network's thread gave way. */
  waitingSince({ key }: Network): number {
    const line = this.#lines.get(key)
    for (const { since } of line?.calls ?? []) return Math.max(since, line?.served ?? 0)
    return Number.POSITIVE_INFINITY
  }

  /** A thread of that network gave way: what waits for it comes after what waits for others. */
  gaveWay({ key }: Network): void {
    const line = this.#lines.get(key)
    if (line !== undefined) line.served = performance.now()
  }

  add(call: PoolCall): void {
    call.since = performance.now()
    this.#line(call.network).calls.add(call)
    this.#size += 1
  }

  /** Puts calls back before all others: a thread of their network had them. */
  addFirst(calls: readonly PoolCall[]): void {
    for (const call of calls) {
      const whole = this.#line(call.network)
      whole.served = performance.now()
      const line = whole.calls
      const others = [...line]
      const back = calls.filter(({ network }) => network.key === call.network.key)
      if (line.has(call)) continue
      line.clear()
      for (const each of [...back, ...others]) line.add(each)
      this.#size += back.length
    }
  }

  /** Returns whether it waited. */
  delete(call: PoolCall): boolean {
    const line = this.#lines.get(call.network.key)
    if (line?.calls.delete(call) !== true) return false
    this.#taken(line, 1)
    return true
  }

  take(network: Network, count: number): readonly PoolCall[] {
    const line = this.#lines.get(network.key)
    if (line === undefined) return []
    const calls = [...line.calls.values().take(count)]
    for (const call of calls) line.calls.delete(call)
    this.#taken(line, calls.length)
    return calls
  }

  /** Takes all that wait. */
  clear(): readonly PoolCall[] {
    const calls = [...this.#lines.values()].flatMap((line) => [...line.calls])
    this.#lines.clear()
    this.#size = 0
    return calls
  }

  #taken({ network, calls }: Line, count: number): void {
    this.#size -= count
    if (calls.size === 0) this.#lines.delete(network.key)
  }

  #line(network: Network): Line {
    const known = this.#lines.get(network.key)
    if (known !== undefined) return known
    const line: Line = { network, calls: new Set(), served: 0 }
    this.#lines.set(network.key, line)
    return line
  }
}
