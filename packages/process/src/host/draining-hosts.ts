/**
 * Hosts that were replaced or removed while processes ran in them. The processes continue, and the host ends with the
 * last one.
 */
import { type EntryId, startTimer, stopTimer, type Timer } from '@troupe/core'
import type { Host } from './host.ts'

/** Milliseconds between two checks of these hosts. */
const interval = 200

export class DrainingHosts implements AsyncDisposable {
  /** Each host with the time by which it must have ended. */
  readonly #hosts = new Map<Host, number>()
  #watch: Timer | undefined

  get hosts(): Iterable<Host> {
    return this.#hosts.keys()
  }

  /**
   * Adds a host: no more processes are placed in it. Settles when this is in effect, not when the host has ended.
   *
   * @param patience - Milliseconds after which the processes that still run in it are terminated. @default never
   */
  async add(host: Host, patience = Number.POSITIVE_INFINITY): Promise<void> {
    this.#hosts.set(host, Date.now() + patience)
    await host.retire()
    await this.#look()
  }

  /** Ends all hosts of that id, with their processes. */
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
