/** The running hosts, by id. */
import { type EntryId, invalid, type Log, notFound, type Pid, threadOf, TroupeError } from '@troupe/core'
import type { Registry } from '@troupe/registry'
import type { Host } from './host.ts'
import { Launch } from './process/launch.ts'
import { DrainingHosts } from './draining-hosts.ts'
import { SharedHost } from './shared-host.ts'
import { type HostSettings, ThreadHost } from './thread-host.ts'
import type { Network } from '../kernel/network/networks.ts'
import type { Thread } from '../worker-threads/thread.ts'
import type { ThreadTable } from '../worker-threads/thread-table.ts'

export interface HostTableOptions {
  readonly registry: Registry
  readonly threads: ThreadTable
  readonly log: Log
  /** URL of the module of a process entry. */
  readonly moduleOf: (entry: EntryId) => string
  /** The network of processes that choose none, if it is the same for all of them. */
  readonly defaultNetwork: () => Network | undefined
  /** Milliseconds for which a thread that is replaced for another network may continue the work that it has begun. */
  readonly drainTimeout: number
}

export class HostTable implements AsyncDisposable {
  readonly #options: HostTableOptions
  readonly #hosts = new Map<EntryId, Host>()
  readonly #retired = new DrainingHosts()

  constructor(options: HostTableOptions) {
    this.#options = options
  }

  /** Creates a host with these settings. It is not in service yet. */
  create(id: EntryId, settings: HostSettings): Host {
    const { threads, log, moduleOf, defaultNetwork, drainTimeout } = this.#options
    if (settings.isolation === 'shared') return new SharedHost({ id, settings, threads, log, drainTimeout })
    if (settings.isolation === 'thread') return new ThreadHost({ id, settings, threads, moduleOf, defaultNetwork })
    const { registry } = this.#options
    const note = (message: string, level: 'info' | 'warn') => {
      log(message, { level, entry: id })
    }
    const isTypeScript = registry.find({ kind: 'process.ts' }).some(({ fields }) => isTyped(fields['source']))
    const launch = new Launch({ settings, root: registry.root, modules: threads.preload, isTypeScript, log: note })
    return new ThreadHost({ id, settings, threads, moduleOf, defaultNetwork, launch })
  }

  /** Puts a host in service. */
  add(host: Host): void {
    this.#hosts.set(host.id, host)
  }

  /** Puts a host in service, or takes it out of service; returns the previous one. */
  swap(id: EntryId, host: Host | undefined): Host | undefined {
    const former = this.#hosts.get(id)
    if (host === undefined) this.#hosts.delete(id)
    else this.#hosts.set(id, host)
    return former
  }

  /**
   * Lets the processes of a host that is out of service run to their end. After `patience` milliseconds, if given, they
   * are terminated.
   */
  async retire(host: Host, patience?: number): Promise<void> {
    await this.#retired.add(host, patience)
  }

  has(id: EntryId): boolean {
    return this.#hosts.has(id)
  }

  /** @throws TroupeError `NotFound` for an unknown host; `Unavailable` for one that does not run. */
  get(id: EntryId): Host {
    const host = this.#hosts.get(id)
    if (host !== undefined) return host
    const { registry } = this.#options
    if (!registry.has(id)) throw notFound(`there is no host ${id}`, { host: id })
    const { kind } = registry.get(id)
    if (kind !== 'process.host') throw invalid(`${id} is a ${kind}, not a process.host`, { host: id })
    throw new TroupeError('Unavailable', `host ${id} does not run`, { details: { host: id } })
  }

  /** The host in which a process lives, by the thread of the process. */
  of(pid: Pid): Host | undefined {
    return this.#all().find((host) => host.owns(threadOf(pid)))
  }

  retireNetworks(isCurrent: (network: Network) => boolean): void {
    for (const host of this.#all()) host.retireNetworks(isCurrent)
  }

  threadGone(thread: Thread): void {
    for (const host of this.#all()) host.threadGone(thread)
  }

  /** Ends a host with all its processes. */
  async remove(id: EntryId): Promise<void> {
    const host = this.#hosts.get(id)
    this.#hosts.delete(id)
    await Promise.all([host?.[Symbol.asyncDispose](), this.#retired.end(id)])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#hosts.keys()].map(async (id) => this.remove(id)))
    await this.#retired[Symbol.asyncDispose]()
  }

  #all(): readonly Host[] {
    return [...this.#hosts.values(), ...this.#retired.hosts]
  }
}

function isTyped(source: unknown): boolean {
  return typeof source === 'string' && /\.[cm]?ts$/.test(source)
}
