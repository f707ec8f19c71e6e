/**
 * Addresses that stand for names. Code that resolves a name before it connects gets one from 198.18.0.0/15 (RFC 2544), which no
 * network routes; where it connects, the name is put back and travels to the overlay.
 */
import { isIPv6 } from 'node:net'

const first = 2 ** 17

export class FakeAddresses {
  readonly #capacity: number
  readonly #byName = new Map<string, number>()
  readonly #names = new Map<number, string>()
  #next = 1

  /** @param capacity - Names kept at a time; the one that was asked for longest ago is forgotten first. */
  constructor(capacity = 2 ** 16) {
    this.#capacity = capacity
  }

  /** The IPv4 address that stands for `name`. */
  addressOf(name: string): string {
    const number = this.#byName.get(name) ?? this.#take(name)
    // Asked for again: youngest again.
    this.#byName.delete(name)
    this.#byName.set(name, number)
    return `198.${18 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`
  }

  /** The name behind `address`, which may be an IPv4 address mapped into IPv6. */
  nameOf(address: string): string | undefined {
    const number = numberOf(address)
    return number === undefined ? undefined : this.#names.get(number)
  }

  /** Numbers are given out in turn, so that one that was forgotten stays unknown for long instead of meaning another name. */
  #take(name: string): number {
    while (this.#names.has(this.#next)) this.#advance()
    const number = this.#next
    this.#advance()
    this.#names.set(number, name)
    if (this.#names.size > this.#capacity) this.#forgetOldest()
    return number
  }

  #advance(): void {
    this.#next = (this.#next + 1) % first || 1
  }

  #forgetOldest(): void {
    for (const [name, number] of this.#byName) {
      this.#byName.delete(name)
      this.#names.delete(number)
      return
    }
  }
}

const pattern = /^(?:::ffff:)?198\.(1[89])\.(\d{1,3})\.(\d{1,3})$/i

function numberOf(address: string): number | undefined {
  const [, high, middle, low] = pattern.exec(address) ?? []
  return high === undefined ? undefined : ((Number(high) - 18) << 16) | (Number(middle) << 8) | Number(low)
}

/** Whether `address` is one that may stand for a name. */
export function isFakeAddress(address: string): boolean {
  return numberOf(address) !== undefined
}

/** `address` for those who want IPv6 (RFC 4291 §2.5.5.2). */
export function mapped(address: string): string {
  return isIPv6(address) ? address : `::ffff:${address}`
}

/** Those of this thread. */
export const fakeAddresses = new FakeAddresses()
