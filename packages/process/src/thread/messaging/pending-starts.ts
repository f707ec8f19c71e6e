/**
 * Processes that the kernel has placed in this thread and whose start has not arrived yet. Messages of others to them
 * arrive over other ports, possibly first: they wait here.
 */
import { type Pid, serialOf, startTimer, stopTimer, type Timer } from '@troupe/core'

/** Milliseconds after which a start is no longer expected: the kernel never issued the pid. */
const patience = 2000

interface Held {
  readonly deliver: (() => void)[]
  readonly timer: Timer
}

export class PendingStarts {
  readonly #isShared: boolean
  readonly #held = new Map<Pid, Held>()
  /** The last serial that the kernel issued here and that has started: it issues them in order. */
  #last = 0

  /** @param isShared Whether the kernel's serials are the even ones; otherwise only the first serial exists. */
  constructor(isShared: boolean) {
    this.#isShared = isShared
  }

  /** Holds a delivery until the process starts; returns false when its start is not expected. */
  hold(pid: Pid, deliver: () => void): boolean {
    const serial = serialOf(pid)
    if (serial <= this.#last || (this.#isShared ? serial % 2 !== 0 : serial !== 1)) return false
    const held = this.#held.get(pid)
    if (held !== undefined) {
      held.deliver.push(deliver)
      return true
    }
    const timer = startTimer(() => {
      this.#release(pid)
    }, patience)
    this.#held.set(pid, { deliver: [deliver], timer })
    return true
  }

  /** A process has started. A process with a lower serial that has not started yet never will. */
  started(pid: Pid): void {
    const serial = serialOf(pid)
    if (this.#isShared && serial % 2 !== 0) return
    this.#last = Math.max(this.#last, serial)
    if (this.#held.size === 0) return
    for (const other of [...this.#held.keys()]) if (serialOf(other) <= serial) this.#release(other)
  }

  #release(pid: Pid): void {
    const held = this.#held.get(pid)
    this.#held.delete(pid)
    stopTimer(held?.timer)
    for (const deliver of held?.deliver ?? []) deliver()
  }
}
