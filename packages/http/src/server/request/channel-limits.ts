/** Limits long-lived connections, which are WebSockets and event streams: per service, and per client. */
import { TroupeError, unavailable } from '@troupe/core'
import { networkOf } from '../../middleware/client-address.ts'

export interface ChannelLimits {
  readonly channels: number
  readonly channelsPerClient: number
}

export class ChannelCounts {
  #count = 0
  readonly #byClient = new Map<string, number>()

  get size(): number {
    return this.#count
  }

  /**
   * Counts one connection of a client, until the returned function is called.
   *
   * @throws TroupeError `Unavailable` where the service has too many, `RateLimited` where the client has.
   */
  open(address: string | undefined, { channels, channelsPerClient }: ChannelLimits): () => void {
    const client = address === undefined ? 'unknown' : networkOf(address)
    const mine = this.#byClient.get(client) ?? 0
    if (mine >= channelsPerClient) {
      const message = `a client has ${mine} WebSockets and event streams already (limits.channels_per_client)`
      throw new TroupeError('RateLimited', message, { details: { client, channelsPerClient } })
    }
    if (this.#count >= channels)
      throw unavailable(`there are ${channels} WebSockets and event streams already (limits.channels)`, { channels })
    this.#count += 1
    this.#byClient.set(client, mine + 1)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      this.#count -= 1
      const left = (this.#byClient.get(client) ?? 1) - 1
      if (left > 0) this.#byClient.set(client, left)
      else this.#byClient.delete(client)
    }
  }
}
