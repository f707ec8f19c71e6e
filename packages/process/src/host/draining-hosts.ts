/** Hosts that were replaced or removed while processes ran in them: those go on, and the host ends with the last. */
import { type EntryId, startTimer, stopTimer, type Timer } from '@troupe/core'
import type { Host } from './host.ts'

/** How often they are looked at. */
const interval = 200

export class DrainingHosts implements AsyncDisposable {
  /** Each with the time by which it is to have ended. */
  readonly #hosts = new Map<Host, number>()
  #watch: Timer | undefined

  get hosts(): Iterable<Host> {
    return this.#hosts.keys()
  }

  /**
   * Takes a host in: no process is placed there any more. Settles when that is so, not when the host has ended.
   *
   * @param patience - Milliseconds after which what still runs in it is ended. @default never
   */
  async add(host: Host, patience = Number.POSITIVE_INFINITY): Promise<void> {
    this.#hosts.set(host, Date.now() + patience)
    await host.retire()
    await this.#look()
  }

  /** Ends all hosts of that id with what runs in them. */
  async end(id: EntryId): Promise<void> {
    await Promise.all([...this.#hosts.keys()].filter((host) => host.id === id).map(async (host) => this.#end(host)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#hosts.keys()].map(async (host) => this.#end(host)))
  }

  async #look(): Promise<void> {
    stopTimer(this.#watch)
    this.#watch = undefined
    const over = [...this.#hosts].filter(([{ size }, until]) => size === 0 || Date.now() >= until)
    await Promise.all(over.map(async ([host]) => this.#end(host)))
    if (this.#hosts.size > 0) this.#watch ??= startTimer(() => void this.#look(), interval).unref()
  }

  async #end(host: Host): Promise<void> {
    await host[Symbol.asyncDispose]()
    this.#hosts.delete(host)
    if (this.#hosts.size > 0) return
    stopTimer(this.#watch)
    this.#watch = undefined
  }
}
