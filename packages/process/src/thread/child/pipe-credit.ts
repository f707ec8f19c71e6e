/** What a thread has read of what this process sent to it, as the kernel reports it: they share no memory. */
import type { PeerCredit } from '../../mailbox/peer-port.ts'

export class PipeCredit implements PeerCredit {
  readonly #window: number
  #posted = 0
  #read = 0
  #wake: () => void = () => undefined

  /** @param window - Units that may be in flight. */
  constructor(window: number) {
    this.#window = window
  }

  take(extra = 0): boolean {
    if (((this.#posted - this.#read) | 0) + extra >= this.#window) return false
    this.#posted = (this.#posted + 1 + extra) | 0
    return true
  }

  /** The kernel reports that the thread has read more. */
  report(read: number): void {
    this.#read = read
    this.#wake()
  }

  async more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    await promise
  }

  close(): void {
    this.#wake()
  }

  /** The pipe is not read within a turn, so nothing changes. */
  wait(): boolean {
    return false
  }
}
