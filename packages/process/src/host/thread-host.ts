/**
 * A host that gives each process a separate worker thread. A process that blocks or crashes its thread affects only
 * itself.
 */
import { type EntryId, type Pid, pid, TroupeError, unavailable } from '@troupe/core'
import type { FieldsOf } from '@troupe/registry'
import type { Network } from '../kernel/network/networks.ts'
import type { OwnedThread, Thread } from '../worker-threads/thread.ts'
import type { ThreadTable } from '../worker-threads/thread-table.ts'
import type { hostKind } from '../config/kinds.ts'
import type { Launch } from './process/launch.ts'
import type { Protection } from './process/protection.ts'
import type { Host, HostSlot } from './host.ts'
import { WarmThreads } from './warm-threads.ts'

type Fields = FieldsOf<typeof hostKind>['host']

/** `network` defaults to `guarded`. */
export type HostSettings = Omit<Fields, 'network'> & Partial<Pick<Fields, 'network'>>

export interface ThreadHostOptions {
  readonly id: EntryId
  readonly settings: HostSettings
  readonly threads: ThreadTable
  /** URL of the module of a process entry. */
  readonly moduleOf: (entry: EntryId) => string
  /**
   * The network of processes that choose none, if it is the same for all of them. Spares that load modules of the
   * application run in it.
   */
  readonly defaultNetwork: () => Network | undefined
  /** Starts operating-system processes; set where the host runs its processes that way. */
  readonly launch?: Launch
}

/** A host with a separate thread, or operating-system process, for each of its processes. */
export class ThreadHost implements Host {
  readonly id: EntryId
  readonly #options: ThreadHostOptions
  readonly #spares: WarmThreads
  readonly #running = new Map<Pid, OwnedThread>()
  #closed = false

  constructor(options: ThreadHostOptions) {
    this.id = options.id
    this.#options = options
    const { settings, launch, threads } = options
    const { spares, resourceLimits, preload = [], network, env } = settings
    this.#spares = new WarmThreads({
      count: spares,
      start: (wanted) => {
        const bound = preload.length === 0 ? undefined : (wanted ?? options.defaultNetwork())
        // A module of the application is loaded in the network of its thread, or later.
        const known = bound && { network: bound, preload: preload.map(options.moduleOf) }
        if (launch !== undefined) return threads.startProcess(launch, { ...known, owner: options.id })
        return threads.start({
          owner: options.id,
          ...known,
          sealed: network === 'sealed',
          ...(env && { env }),
          ...(resourceLimits && { resourceLimits }),
        })
      },
    })
  }

  owns(thread: number): boolean {
    return this.#running.has(pid(thread, 1))
  }

  get sealed(): boolean {
    return this.isolated || this.#options.settings.network === 'sealed'
  }

  get isolated(): boolean {
    return this.#options.launch !== undefined
  }

  get protection(): Protection | undefined {
    return this.#options.launch?.protection
  }

  get size(): number {
    return this.#running.size
  }

  /** Settles when the spare threads are warm. */
  async ready(): Promise<void> {
    await this.#options.launch?.ready()
    await this.#spares.ready()
  }

  place(network: Network): HostSlot {
    const { maxProcesses, queueSize } = this.#options.settings
    if (this.#closed) throw unavailable(`host ${this.id} has stopped`, { host: this.id })
    if (maxProcesses !== undefined && this.#running.size >= maxProcesses) {
      throw unavailable(`host ${this.id} is full: it runs ${maxProcesses} processes`, { host: this.id, maxProcesses })
    }
    const thread = this.#spares.acquire(network)
    const id = pid(thread.number, 1)
    this.#running.set(id, thread)
    return {
      pid: id,
      thread,
      start: (process, transfer) => {
        thread.post({ type: 'start', process: { ...process, pid: id, queueSize } }, transfer)
      },
      abandon: () => {
        this.processEnded(id)
      },
    }
  }

  async kill(id: Pid, error: TroupeError): Promise<void> {
    await this.#running.get(id)?.terminate(error)
  }

  async retire(): Promise<void> {
    this.#closed = true
    await this.#spares.close()
  }

  retireNetworks(isCurrent: (network: Network) => boolean): void {
    this.#spares.retire(isCurrent)
  }

  processEnded(id: Pid): void {
    const thread = this.#running.get(id)
    this.#running.delete(id)
    void thread?.retire(new TroupeError('NotFound', 'it has ended'))
  }

  threadGone(thread: Thread): void {
    this.#running.delete(pid(thread.number, 1))
    this.#spares.lost(thread)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const running = [...this.#running.keys()]
    const stopped = new TroupeError('Canceled', `host ${this.id} has stopped`)
    await Promise.all([...running.map(async (id) => this.kill(id, stopped)), this.#spares.close()])
  }
}
