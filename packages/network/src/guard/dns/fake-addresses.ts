/**
 * Addresses that stand for names. Code that resolves a name before it connects gets an address from 198.18.0.0/15 (RFC
 * 2544), which no network routes. When it connects, the guard replaces the address with the name, and the overlay gets
 * the name. Threads use addresses of blocks that they lease from the kernel, so one address never stands for different
 * names in two threads.
 */
import { isIPv4 } from 'node:net'
import { applicationAccess } from '../../dial/network-access.ts'
import { AddressLeases, blockSize, mostBlocks } from './address-leases.ts'
import { ipv4Of } from '@troupe/core'

/** Leases a block, in exchange for a returned one. */
export type LeaseBlock = (back: number | undefined) => Promise<number>

export class FakeAddresses {
  readonly #lease: LeaseBlock
  readonly #mostBlocks: number
  readonly #numbers = new Map<string, number>()
  /** Names by block, the least recently used block first. */
  readonly #blocks = new Map<number, string[]>()
  #filling: { readonly block: number; readonly names: string[] } | undefined
  #leasing: Promise<void> | undefined

  /** @param most - Maximum number of blocks: beyond it the least recently used block is dropped. */
  constructor(lease: LeaseBlock, most = mostBlocks) {
    this.#lease = lease
    this.#mostBlocks = most
  }

  /**
   * Returns the IPv4 address that stands for `name`: at once, unless a block must be leased first.
   *
   * @throws TroupeError `RateLimited` when there is no block.
   */
  addressOf(name: string): string | Promise<string> {
    const number = this.#numbers.get(name) ?? this.#assign(name)
    if (number === undefined) return this.#grow().then(() => this.addressOf(name))
    this.#touch(Math.floor(number / blockSize))
    return addressOf(number)
  }

  /** Returns the name behind the number of an address; `undefined` for one of another thread, or of a dropped block. */
  nameOf(number: number): string | undefined {
    const block = Math.floor(number / blockSize)
    const name = this.#blocks.get(block)?.[number % blockSize]
    if (name !== undefined) this.#touch(block)
    return name
  }

  #assign(name: string): number | undefined {
    if (this.#filling === undefined) return undefined
    const { block, names } = this.#filling
    const number = block * blockSize + names.length
    this.#numbers.set(name, number)
    if (names.push(name) === blockSize) this.#filling = undefined
    return number
  }

  #touch(block: number): void {
    const names = this.#blocks.get(block)
    if (names === undefined) return
    this.#blocks.delete(block)
    this.#blocks.set(block, names)
  }

  #grow(): Promise<void> {
    this.#leasing ??= this.#take().finally(() => {
      this.#leasing = undefined
    })
    return this.#leasing
  }

  async #take(): Promise<void> {
    const back = this.#blocks.size < this.#mostBlocks ? undefined : this.#forgetOldest()
    const block = await this.#lease(back)
    const names: string[] = []
    this.#blocks.set(block, names)
    this.#filling = { block, names }
  }

  #forgetOldest(): number | undefined {
    for (const [block, names] of this.#blocks) {
      this.#blocks.delete(block)
      for (const name of names) this.#numbers.delete(name)
      return block
    }
    return undefined
  }
}

const first = 198 * 256 + 18
const [zero, colon, firstBeyondAscii] = [0x30, 0x3a, 0x80]

function addressOf(number: number): string {
  return `198.${18 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`
}

/**
 * Returns the number of an address that may stand for a name, in whatever notation the address is written; `undefined`
 * for any other host.
 */
export function fakeNumberOf(host: string): number | undefined {
  // Names, the most common hosts.
  const initial = host.charCodeAt(0)
  if (initial > colon ? initial < firstBeyondAscii : initial < zero) return undefined
  if (isIPv4(host) && !host.startsWith('198.1')) return undefined
  const [high = 0, second = 0, third = 0, fourth = 0] = ipv4Of(host)?.split('.').map(Number) ?? []
  const number = (high * 256 + second - first) * 65_536 + third * 256 + fourth
  return number >= 0 && number < 2 ** 17 ? number : undefined
}

/** A fast pre-check: whether an address, as native handles get it, may stand for a name. */
export function mayStandForName(address: string): boolean {
  return address.startsWith('198.1') || address.includes(':')
}

/** Whether `host` is an address that may stand for a name. */
export function isFakeAddress(host: string): boolean {
  return fakeNumberOf(host) !== undefined
}

/** Returns `address` as an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2). */
export function mapped(address: string): string {
  return `::ffff:${address}`
}

/** Stands for a name that cannot be looked up. */
export const unknownName = addressOf(0)

/** The leases of a program without an application, which has only this thread. */
let alone: AddressLeases | undefined

/** The fake addresses of this thread. */
export const fakeAddresses = new FakeAddresses(async (back) => {
  const leased = applicationAccess()?.leaseAddresses?.(back)
  if (leased !== undefined) return leased
  alone ??= new AddressLeases()
  return alone.lease(0, back)
})
