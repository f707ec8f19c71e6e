/** Queues calls that wait for a thread of their network, in order of arrival. */
import type { Network } from '@troupe/process/kernel'
import type { PoolCall } from './pool-call.ts'

interface Line {
  readonly network: Network
  readonly calls: Set<PoolCall>
  /** When its network last had a thread, by the clock of `performance`. */
  served: number
}

export class CallQueue {
  /** By network. The line that has waited longest comes first. */
  readonly #lines = new Map<string, Line>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Returns the networks that calls wait for. */
  get networks(): readonly Network[] {
    return Array.from(this.#lines.values(), ({ network }) => network)
  }

  /** Returns the number of calls that wait for threads of a network. */
  count({ key }: Network): number {
    return this.#lines.get(key)?.calls.size ?? 0
  }

  /**
   * Returns since when the first of them waits, or since when its network's thread gave way, by the clock of
   * `performance`.
   */
  waitingSince({ key }: Network): number {
    const line = this.#lines.get(key)
    for (const { since } of line?.calls ?? []) return Math.max(since, line?.served ?? 0)
    return Number.POSITIVE_INFINITY
  }

  /** Records that a thread of that network gave way: its waiting calls now come after those of other networks. */
  gaveWay({ key }: Network): void {
    const line = this.#lines.get(key)
    if (line !== undefined) line.served = performance.now()
  }

  add(call: PoolCall): void {
    call.since = performance.now()
    this.#line(call.network).calls.add(call)
    this.#size += 1
  }

  /** Puts calls back at the front: a thread of their network had received them. */
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

  /** Removes a call. Returns whether it was waiting. */
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

  /** Removes and returns all waiting calls. */
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
