/** A request of HTTP as the first bytes of a stream, which are sent before the connection stands. */
import type { DialOptions } from '@troupe/network'

export class EarlyRequest implements NonNullable<DialOptions['early']> {
  /** Whether the bytes went with the request for the connection. */
  isSpent = false
  readonly isOnce = true
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  take(): Buffer | undefined {
    if (this.isSpent) return undefined
    this.isSpent = true
    return Buffer.from(`GET ${this.#path} HTTP/1.1\r\nHost: early.test\r\nConnection: close\r\n\r\n`)
  }
}
