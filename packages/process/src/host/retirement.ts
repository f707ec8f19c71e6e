/** Hosts that were replaced or removed while processes ran in them: those go on, and the host ends with the last. */
import type { EntryId } from '@troupe/core'
import type { Host } from './host.ts'

/** How often they are looked at. */
const interval = 200

export class Retirement implements AsyncDisposable {
  readonly #hosts = new Set<Host>()
  #watch: NodeJS.Timeout | undefined

  get hosts(): Iterable<Host> {
    return this.#hosts
  }

  /** Takes a host in: no process is placed there any more. Settles when that is so, not when the host has ended. */
  async add(host: Host): Promise<void> {
    this.#hosts.add(host)
    await host.retire()
    await this.#look()
  }

  /** Ends all hosts of that id with what runs in them. */
  async end(id: EntryId): Promise<void> {
    await Promise.all([...this.#hosts].filter((host) => host.id === id).map(async (host) => this.#end(host)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#hosts].map(async (host) => this.#end(host)))
  }

  async #look(): Promise<void> {
    clearTimeout(this.#watch)
    this.#watch = undefined
    await Promise.all([...this.#hosts].filter(({ size }) => size === 0).map(async (host) => this.#end(host)))
    if (this.#hosts.size > 0) this.#watch ??= setTimeout(() => void this.#look(), interval).unref()
  }

  async #end(host: Host): Promise<void> {
    await host[Symbol.asyncDispose]()
    this.#hosts.delete(host)
    if (this.#hosts.size > 0) return
    clearTimeout(this.#watch)
    this.#watch = undefined
  }
}
