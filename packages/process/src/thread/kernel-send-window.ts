/**
 * Posts a thread's messages to the kernel: as many as it has credit for, and the rest in order as soon as there is
 * credit.
 */
import { Deque } from '@troupe/core'
import { weightOf } from '../protocol/foreign-handles.ts'
import { isRecord } from '../protocol/validators.ts'
import { Credit, type Declared, extraUnits, kernelWindow } from '../shared-memory/credit.ts'
import type { ToThread } from '../protocol/kernel-thread.ts'
import type { KernelPort } from '../channel/local-port.ts'
import { atExit } from './at-exit.ts'

/** Milliseconds for which the end of a thread waits until the kernel continues to read. */
const patience = 1000

interface Waiting {
  readonly message: object
  readonly weight: number
}

export class KernelSendWindow {
  readonly #port: KernelPort<ToThread>
  readonly #credit: Credit
  readonly #waiting = new Deque<Waiting>()
  /** Bytes that wait. */
  #weight = 0
  readonly #forget: () => void
  readonly #posted: (() => void)[] = []
  #closed = false
  /** The thread ends: nothing can wait for a later turn. */
  #isEnding = false

  constructor(port: KernelPort<ToThread>, credit: SharedArrayBuffer) {
    this.#port = port
    this.#credit = new Credit(credit, kernelWindow.units)
    this.#forget = atExit(this.#drain)
  }

  /** Approximate bytes that wait because the kernel does not read. */
  get backlog(): number {
    return this.#weight
  }

  /**
   * @param weight - Approximate bytes, at least what the kernel finds (`protocol/request-rules.ts`).
   * @throws the errors of structured clone.
   */
  post(message: object, weight = weightOfMessage(message)): void {
    const extra = extraUnits(weight, kernelWindow)
    if (this.#waiting.size === 0 && this.#credit.take(extra)) {
      this.#send(message, extra)
      return
    }
    // Copied now, because the caller may change it afterwards.
    this.#waiting.push({ message: structuredClone(message), weight })
    this.#weight += weight
    if (this.#isEnding) this.#drain()
    else if (this.#waiting.size === 1) void this.#flow()
  }

  #send(message: object, extra: number): void {
    if (extra > 0) this.#port.postMessage({ units: extra } satisfies Declared)
    this.#port.postMessage(message)
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
      this.#postWaiting()
      if (this.#waiting.size > 0 && !this.#closed) await this.#credit.more()
    }
  }

  #postWaiting(): void {
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      const extra = extraUnits(next.weight, kernelWindow)
      if (!this.#credit.take(extra)) return
      this.#waiting.shift()
      this.#weight -= next.weight
      this.#send(next.message, extra)
    }
    this.#tellPosted()
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

function weightOfMessage(message: unknown): number {
  if (!isRecord(message)) return weightOf(message)
  const { type, exit, ask } = message
  // The most frequent message of a thread that runs tasks.
  if (type === 'finished' && isRecord(exit) && typeof exit['value'] === 'number') return 0
  return weightOf(ask ?? message)
}
