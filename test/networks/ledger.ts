/**
 * Marked items, and the address that each arrived from at a server. The token shows which sender sent it, and in which
 * network.
 */

/** The purpose of an item, and the network that it must travel in. */
export interface Item {
  readonly token: string
  readonly label: string
  readonly network: string
}

/** An item that arrived, with the address of the client. */
export interface Arrival extends Item {
  readonly peer: string
}

const tokens = /tok\d+n/g

export class Ledger {
  readonly #items = new Map<string, Item>()
  readonly #arrivals: Arrival[] = []
  readonly #waiting = new Map<string, () => void>()

  /** A new item. Its token is short, consists of letters and digits, and is part of no other token. */
  issue(label: string, network: string): Item {
    const item = { token: `tok${this.#items.size}n`, label, network }
    this.#items.set(item.token, item)
    return item
  }

  /** Records the data that a server read: all tokens in it count as arrived from `peer`. */
  read(text: string | Uint8Array, peer: string | undefined): void {
    for (const [token] of Buffer.from(text).toString('latin1').matchAll(tokens)) {
      const item = this.#items.get(token)
      if (item === undefined) continue
      this.#arrivals.push({ ...item, peer: peer ?? '' })
      this.#waiting.get(token)?.()
    }
  }

  /** Settles when an item has arrived. */
  async arrived(token: string): Promise<void> {
    if (this.#arrivals.some((arrival) => arrival.token === token)) return
    await new Promise<void>((resolve) => this.#waiting.set(token, resolve))
  }

  /** All arrivals of items with this label. */
  of(label: string): readonly Arrival[] {
    return this.#arrivals.filter((arrival) => arrival.label === label)
  }
}
