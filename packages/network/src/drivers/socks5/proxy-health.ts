/**
 * The proxies of an overlay, as this thread has found them. One that does not work is marked down and stays behind the others
 * until a check of it, in the background of a later dial, has passed.
 */
import type { EntryId } from '@troupe/core'
import { channel } from 'node:diagnostics_channel'
import type { Entrance } from '../../overlay/overlay.ts'
import type { Proxy, Socks5Route } from './route.ts'

/** Milliseconds until a proxy that is down is checked: doubled with each check that fails. */
const firstRetry = 1000
const longestRetry = 60_000

/** One event for each proxy that goes down or comes up. */
const changes = channel('troupe:overlay:proxy')

/** What is known of a proxy that is down. */
interface Mark {
  failures: number
  /** By `performance.now()`: the clock of the system may be set. */
  retryAt: number
  checking: boolean
}

export class ProxyHealth {
  readonly #overlay: EntryId
  readonly #marks = new Map<string, Mark>()
  /** Failures of proxies that have greeted again, and not yet done more: one that hangs over requests is soon down again, and for longer. */
  readonly #suspects = new Map<string, number>()
  #turn = 0

  constructor(overlay: EntryId) {
    this.#overlay = overlay
  }

  /**
   * The proxies in the order in which they are to be tried.
   *
   * @param key - What `sticky` sticks to.
   */
  order({ proxies, policy }: Socks5Route, key: string): readonly Proxy[] {
    if (proxies.length === 1) return proxies
    const preferred = this.#preferred(proxies, policy, key)
    if (this.#marks.size === 0) return preferred
    const retryAt = (proxy: Proxy) => this.#marks.get(nameOf(proxy))?.retryAt ?? 0
    return preferred.toSorted((a, b) => retryAt(a) - retryAt(b))
  }

  /** Proxies whose check is due. Each is answered once, until it is marked. */
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

  /** @param isProven - Whether it has done its work, and not only greeted. */
  up(proxy: Proxy, index: number, isProven: boolean): void {
    if (this.#marks.size === 0 && this.#suspects.size === 0) return
    const name = nameOf(proxy)
    const mark = this.#marks.get(name)
    if (isProven) this.#suspects.delete(name)
    else if (mark) this.#suspects.set(name, mark.failures)
    if (this.#marks.delete(name)) this.#tell(index, 'up')
  }

  /** Many dials may fail at the same moment for the same reason: that is one failure. */
  down(proxy: Proxy, index: number): void {
    const mark = this.#marks.get(nameOf(proxy))
    if (mark && !mark.checking && mark.retryAt > performance.now()) return
    const failures = (mark?.failures ?? this.#suspects.get(nameOf(proxy)) ?? 0) + 1
    const retryAt = performance.now() + Math.min(firstRetry * 2 ** (failures - 1), longestRetry)
    this.#marks.set(nameOf(proxy), { failures, retryAt, checking: false })
    if (mark === undefined) this.#tell(index, 'down')
  }

  /** Without addresses: in the entry's order. */
  view({ proxies }: Socks5Route): readonly Entrance[] {
    return proxies.map((proxy) => {
      const mark = this.#marks.get(nameOf(proxy))
      if (mark === undefined) return { state: 'up', failures: 0 }
      return { state: 'down', failures: mark.failures, retryAt: Math.round(Date.now() + mark.retryAt - performance.now()) }
    })
  }

  #preferred(proxies: readonly Proxy[], policy: Socks5Route['policy'], key: string): readonly Proxy[] {
    if (policy === 'round_robin') {
      const start = this.#turn++ % proxies.length
      return [...proxies.slice(start), ...proxies.slice(0, start)]
    }
    if (policy !== 'sticky') return proxies
    // Rendezvous hashing: a key keeps its proxy when others come and go.
    const weights = new Map(proxies.map((proxy) => [proxy, hash(`${key} ${nameOf(proxy)}`)]))
    return proxies.toSorted((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0))
  }

  #tell(proxy: number, state: 'up' | 'down'): void {
    if (changes.hasSubscribers) changes.publish({ overlay: this.#overlay, proxy, state })
  }
}

const known = new Map<EntryId, ProxyHealth>()

/** What this thread knows of the proxies of an overlay, of whichever generation. */
export function proxyHealthOf(overlay: EntryId): ProxyHealth {
  const found = known.get(overlay)
  if (found) return found
  const made = new ProxyHealth(overlay)
  known.set(overlay, made)
  return made
}

function nameOf({ host, port }: Proxy): string {
  return `${host} ${port}`
}

/** FNV-1a, 32 bits, and a final mix (of MurmurHash3), without which names that differ in their end have weights that differ little. */
function hash(text: string): number {
  let h = 0x81_1c_9d_c5
  for (let at = 0; at < text.length; at++) h = Math.imul(h ^ text.charCodeAt(at), 0x01_00_01_93)
  h = Math.imul(h ^ (h >>> 16), 0x85_eb_ca_6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2_b2_ae_35)
  return (h ^ (h >>> 16)) >>> 0
}
