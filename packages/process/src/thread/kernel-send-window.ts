/**
 * Posts a thread's messages to the kernel: as many as it has credit for, and the rest in order as soon as there is
 * credit.
 */
import { Credit, kernelWindow } from '../shared-memory/credit.ts'
import { Deque } from '../mailbox/deque.ts'
import type { ToThread } from '../protocol/kernel-thread.ts'
import type { KernelPort } from '../channel/local-port.ts'
import { atExit } from './at-exit.ts'

/** Milliseconds for which the end of a thread waits until the kernel continues to read. */
const patience = 1000

export class KernelSendWindow {
  readonly #port: KernelPort<ToThread>
  readonly #credit: Credit
  readonly #waiting = new Deque<object>()
  readonly #forget: () => void
  readonly #posted: (() => void)[] = []
  #closed = false
  /** The thread ends: nothing can wait for a later turn. */
  #isEnding = false

  constructor(port: KernelPort<ToThread>, credit: SharedArrayBuffer) {
    this.#port = port
    this.#credit = new Credit(credit, kernelWindow)
    this.#forget = atExit(this.#drain)
  }

  /** @throws the errors of structured clone. */
  post(message: object): void {
    if (this.#waiting.size === 0 && this.#credit.take()) {
      this.#port.postMessage(message)
      return
    }
    // Copied now, because the caller may change it afterwards.
    this.#waiting.push(structuredClone(message))
    if (this.#isEnding) this.#drain()
    else if (this.#waiting.size === 1) void this.#flow()
  }

  /** Settles when everything sent so far is posted; returns `undefined` when it already is. */
  posted(): Promise<void> | undefined {
    if (this.#waiting.size === 0 || this.#closed) return undefined
    return new Promise((resolve) => {
      this.#posted.push(resolve)
    })
  }

  close(): void {
    this.#closed = true
    this.#credit.close()
    this.#tellPosted()
    this.#forget()
  }

  async #flow(): Promise<void> {
    while (!this.#closed && this.#waiting.size > 0) {
      await this.#credit.more()
      this.#postWaiting()
    }
  }

  #postWaiting(): void {
    while (this.#waiting.size > 0 && this.#credit.take()) {
      const next = this.#waiting.shift()
      if (next !== undefined) this.#port.postMessage(next)
    }
    if (this.#waiting.size === 0) this.#tellPosted()
  }

  #tellPosted(): void {
    for (const resolve of this.#posted.splice(0)) resolve()
  }

  /** The thread ends: earlier messages are still sent. */
  readonly #drain = (): void => {
    this.#isEnding = true
    do this.#postWaiting()
    while (this.#waiting.size > 0 && this.#credit.wait(patience))
  }
}
