/**
 * Health of the proxies of an overlay, as this thread sees it. A proxy that fails is marked down and ranks after the
 * others until a check of it passes. A later dial starts the check in the background.
 */
import { type EntryId, fnv1a } from '@troupe/core'
import { channel } from 'node:diagnostics_channel'
import type { Entrance } from '../../overlay/overlay.ts'
import type { Proxy, Socks5Route } from './route.ts'

/** Milliseconds until a proxy that is down is checked: doubled after each failed check. */
const firstRetry = 1000
const longestRetry = 60_000

/** An event of the channel `troupe:overlay:proxy`: one of several proxies of an overlay is up or down. */
export interface ProxyEvent {
  /** The entry of the overlay. */
  readonly overlay: EntryId
  /** Index of the proxy in the entry. */
  readonly proxy: number
  /** The state now. */
  readonly state: 'up' | 'down'
}

const changes = channel('troupe:overlay:proxy')

/** The record of a proxy that is down. */
interface Mark {
  failures: number
  /** In terms of `performance.now()`, because the system clock may be changed. */
  retryAt: number
  checking: boolean
}

export class ProxyHealth {
  readonly #overlay: EntryId
  readonly #marks = new Map<string, Mark>()
  /**
   * Failure counts of proxies that passed only a greeting since they were down. One that hangs on requests is soon down
   * again, and for longer.
   */
  readonly #suspects = new Map<string, number>()
  #turn = 0

  constructor(overlay: EntryId) {
    this.#overlay = overlay
  }

  /**
   * Returns the proxies in the order in which to try them.
   *
   * @param key - The key of the `sticky` policy.
   */
  order({ proxies, policy }: Socks5Route, key: string): readonly Proxy[] {
    if (proxies.length === 1) return proxies
    const preferred = this.#preferred(proxies, policy, key)
    if (this.#marks.size === 0) return preferred
    const retryAt = (proxy: Proxy) => this.#marks.get(nameOf(proxy))?.retryAt ?? 0
    return preferred.toSorted((a, b) => retryAt(a) - retryAt(b))
  }

  /** Returns proxies whose check is due. Each is returned once, until it is marked again. */
  due({ proxies }: Socks5Route): readonly Proxy[] {
    if (this.#marks.size === 0 || proxies.length === 1) return []
    const now = performance.now()
    return proxies.filter((proxy) => {
      const mark = this.#marks.get(nameOf(proxy))
      if (mark === undefined || mark.checking || mark.retryAt > now) return false
      mark.checking = true
      return true
    })
  }

  /** @param isProven - Whether it has completed a request, and not only a greeting. */
  up(proxy: Proxy, index: number, isProven: boolean): void {
    if (this.#marks.size === 0 && this.#suspects.size === 0) return
    const name = nameOf(proxy)
    const mark = this.#marks.get(name)
    if (isProven) this.#suspects.delete(name)
    else if (mark) this.#suspects.set(name, mark.failures)
    if (this.#marks.delete(name)) this.#tell(index, 'up')
  }

  /** Many dials may fail at the same moment for the same reason: they count as one failure. */
  down(proxy: Proxy, index: number): void {
    const mark = this.#marks.get(nameOf(proxy))
    if (mark && !mark.checking && mark.retryAt > performance.now()) return
    const failures = (mark?.failures ?? this.#suspects.get(nameOf(proxy)) ?? 0) + 1
    const retryAt = performance.now() + Math.min(firstRetry * 2 ** (failures - 1), longestRetry)
    this.#marks.set(nameOf(proxy), { failures, retryAt, checking: false })
    if (mark === undefined) this.#tell(index, 'down')
  }

  /** Returns the state of the proxies, without addresses, in the entry's order. */
  view({ proxies }: Socks5Route): readonly Entrance[] {
    return proxies.map((proxy) => {
      const mark = this.#marks.get(nameOf(proxy))
      if (mark === undefined) return { state: 'up', failures: 0 }
      return {
        state: 'down',
        failures: mark.failures,
        retryAt: Math.round(Date.now() + mark.retryAt - performance.now()),
      }
    })
  }

  #preferred(proxies: readonly Proxy[], policy: Socks5Route['policy'], key: string): readonly Proxy[] {
    if (policy === 'round_robin') {
      const start = this.#turn++ % proxies.length
      return [...proxies.slice(start), ...proxies.slice(0, start)]
    }
    if (policy !== 'sticky') return proxies
    // Rendezvous hashing: a key keeps its proxy when other proxies are added or removed.
    const weights = new Map(proxies.map((proxy) => [proxy, hash(`${key} ${nameOf(proxy)}`)]))
    return proxies.toSorted((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0))
  }

  #tell(proxy: number, state: 'up' | 'down'): void {
    if (changes.hasSubscribers) changes.publish({ overlay: this.#overlay, proxy, state } satisfies ProxyEvent)
  }
}

const known = new Map<EntryId, ProxyHealth>()

/** Returns what this thread knows about the proxies of an overlay, across generations. */
export function proxyHealthOf(overlay: EntryId): ProxyHealth {
  const found = known.get(overlay)
  if (found) return found
  const made = new ProxyHealth(overlay)
  known.set(overlay, made)
  return made
}

/** Two logins at one address are two proxies: one of them may be refused. */
function nameOf({ host, port, login }: Proxy): string {
  return login === undefined ? `${host} ${port}` : `${host} ${port} ${login.username}`
}

/**
 * FNV-1a, 32 bits, with a final mix (of MurmurHash3). Without the mix, names that differ only at their end have similar
 * weights.
 */
function hash(text: string): number {
  let h = fnv1a(text)
  h = Math.imul(h ^ (h >>> 16), 0x85_eb_ca_6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2_b2_ae_35)
  return (h ^ (h >>> 16)) >>> 0
}
