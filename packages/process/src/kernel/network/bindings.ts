/**
 * The addresses in overlays at which threads accept connections. Each is released at the latest when the process that
 * requested it ends.
 */
import { denied, type EntryId, type Pid } from '@troupe/core'
import type { Binding, ListenGrant } from '@troupe/network'

interface Held {
  readonly pid: Pid
  readonly binding: Binding
}

export class Bindings implements AsyncDisposable {
  readonly #held = new Map<number, Held>()
  /** Overlays on which processes listen according to their entries, regardless of the networks of their threads. */
  readonly #allowed = new Map<Pid, EntryId>()
  #last = 0

  /** @param isAlive - Whether the process is still alive; a process that has ended holds nothing. */
  async hold(
    pid: Pid,
    binding: Binding,
    isAlive: () => boolean,
  ): Promise<{ readonly ticket: ListenGrant; readonly number: number }> {
    if (!isAlive()) {
      await binding[Symbol.asyncDispose]()
      throw denied(`process ${pid} has ended`, { pid })
    }
    this.#last += 1
    this.#held.set(this.#last, { pid, binding })
    return { ticket: binding.listenGrant, number: this.#last }
  }

  /** The entry of a process states that the process listens on that overlay. */
  allow(pid: Pid, overlay: EntryId): void {
    this.#allowed.set(pid, overlay)
  }

  isAllowed(pid: Pid, overlay: EntryId): boolean {
    return this.#allowed.get(pid) === overlay
  }

  /** Releases what `pid` holds under that number. */
  async release(pid: Pid, number: number): Promise<void> {
    const held = this.#held.get(number)
    if (held?.pid !== pid) return
    this.#held.delete(number)
    await held.binding[Symbol.asyncDispose]()
  }

  /** Releases everything that a process held. */
  processEnded(pid: Pid): void {
    this.#allowed.delete(pid)
    for (const [number, held] of [...this.#held])
      if (held.pid === pid) void this.release(pid, number).catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const held = [...this.#held.values()]
    this.#held.clear()
    await Promise.allSettled(held.map(async ({ binding }) => binding[Symbol.asyncDispose]()))
  }
}
