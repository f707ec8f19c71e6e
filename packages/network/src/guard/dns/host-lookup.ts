/**
 * The look-up of a host by `net.Socket.connect`, where the connection is not opened by Node. The caller's `lookup`,
 * listeners of `lookup` events and `blockList` are called as Node calls them. The resulting addresses are dialled;
 * without such options, the name itself is dialled.
 */
import dns from 'node:dns'
import { BlockList, getDefaultAutoSelectFamily, isIP, type Socket } from 'node:net'
import type { ConnectCall } from '../tcp/connect-options.ts'
import { handleOf, property } from '../../sockets/internals.ts'
import { type Callable, isCallable } from '../node/patch.ts'

/** Node resolves no literal address, and no packet is ever sent to this one. */
const placeholder = { address: '0.0.0.1', family: 4 }

interface Found {
  readonly address: string
  readonly family: number
}

export interface HostLookupOptions {
  readonly socket: Socket
  readonly options: ConnectCall['options']
  /** The host as the caller passed it. */
  readonly host: string
  /** The error for addresses that a list cannot check. */
  readonly unjudged: (address: string) => Error | undefined
}

export class HostLookup {
  readonly #socket: Socket
  readonly #options: ConnectCall['options']
  readonly #host: string
  readonly #unjudged: HostLookupOptions['unjudged']
  #found: readonly Found[] | undefined

  constructor({ socket, options, host, unjudged }: HostLookupOptions) {
    this.#socket = socket
    this.#options = options
    this.#host = host
    this.#unjudged = unjudged
  }

  /** The hosts to dial, in this order. */
  get hosts(): readonly string[] {
    return this.#found?.map(({ address }) => address) ?? [this.#host]
  }

  /** The error for a literal host that a list blocks; Node calls no look-up for literal hosts. */
  get blocked(): Error | undefined {
    return isIP(this.#host) === 0 ? undefined : this.#judge([{ address: this.#host, family: isIP(this.#host) }]).error
  }

  /**
   * Passed to Node's own `connect`, in place of the caller's. Returns in a later turn, when the guard holds the handle.
   */
  readonly lookup: Callable = (name, options, done) => {
    process.nextTick(() => {
      const handle = handleOf(this.#socket)
      if (!isCallable(done) || !this.#socket.connecting) return
      if (!this.#isAsked) {
        done(null, placeholder.address, placeholder.family)
        return
      }
      const all = this.#wantsAll
      const ask = this.#callersLookup ?? dns.lookup
      Reflect.apply(ask, undefined, [
        name,
        { ...Object(options), ...(all && { all }) },
        (error: unknown, first: unknown, family: unknown) => {
          // A look-up of an earlier life of the socket, or of one that is over.
          if (handleOf(this.#socket) !== handle || !this.#socket.connecting) return
          this.#take(
            error,
            Array.isArray(first) ? first.filter(isFound) : [{ address: String(first), family: Number(family) }],
            done,
          )
        },
      ])
    })
  }

  #take(thrown: unknown, found: readonly Found[], done: Callable): void {
    const { error, allowed } = thrown ? { error: thrown, allowed: [] } : this.#judge(found)
    const [first, ...others] = allowed
    if (first === undefined) {
      done(error)
      return
    }
    // Node emits the first address itself; a listener may destroy the socket at any of them.
    for (const { address, family } of others) {
      this.#socket.emit('lookup', null, address, family, this.#host)
      if (!this.#socket.connecting) return
    }
    this.#found = allowed
    done(null, first.address, first.family)
  }

  /** Filters addresses with the list of blocked ones. */
  #judge(found: readonly Found[]): { readonly error?: Error | undefined; readonly allowed: readonly Found[] } {
    const lists = [this.#options['blockList'], property(this.#socket, 'blockList')].filter((list) =>
      BlockList.isBlockList(list),
    )
    if (lists.length === 0) return { allowed: found }
    let error: Error | undefined
    const allowed = found.filter(({ address, family }) => {
      const denial = lists.some((list) => list.check(address, family === 6 ? 'ipv6' : 'ipv4'))
        ? blocked(address)
        : this.#unjudged(address)
      error ??= denial
      return denial === undefined
    })
    return { error, allowed }
  }

  get #isAsked(): boolean {
    const { blockList, autoSelectFamily } = this.#options
    return (
      this.#callersLookup !== undefined ||
      this.#socket.listenerCount('lookup') > 0 ||
      BlockList.isBlockList(blockList) ||
      BlockList.isBlockList(property(this.#socket, 'blockList')) ||
      autoSelectFamily === false
    )
  }

  get #callersLookup(): Callable | undefined {
    const { lookup } = this.#options
    return isCallable(lookup) && lookup !== dns.lookup ? lookup : undefined
  }

  /** Whether Node would try several addresses. */
  get #wantsAll(): boolean {
    const { family, localAddress, autoSelectFamily } = this.#options
    const one = family === 4 || family === 6 || family === 'IPv4' || family === 'IPv6' || Boolean(localAddress)
    return !one && (autoSelectFamily ?? getDefaultAutoSelectFamily()) === true
  }
}

function isFound(value: unknown): value is Found {
  return typeof property(value, 'address') === 'string'
}

/** The same error as in Node. */
function blocked(address: string): Error {
  return Object.assign(new Error(`IP(${address}) is blocked by net.BlockList`), { code: 'ERR_IP_BLOCKED' })
}
