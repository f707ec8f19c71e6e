/**
 * A service with one process for each network that sends to it, in a thread of that network. The first message starts
 * the process. The process is restarted when it fails, and ended after a time without messages.
 */
import { type Clock, type EntryId, invalid, type Log, type Pid, TroupeError, unavailable } from '@troupe/core'
import type { Kernel } from '../kernel/kernel.ts'
import { describeNetwork, type Network } from '../kernel/network/networks.ts'
import { hostKind, serviceKind } from '../config/kinds.ts'
import type { ChildSpec } from '../config/supervisor-kind.ts'
import type { RunningChild } from '../supervisor/children.ts'
import type { Running } from './service-instance.ts'
import { ProcessSupervisor } from '../supervisor/process-supervisor.ts'
import { serviceFrame } from './service-frame.ts'
import { startProcess } from './supervised-process.ts'

export interface PerSenderOptions {
  readonly kernel: Kernel
  readonly clock: Clock
  readonly log: Log
}

/**
 * How many restarts of all its processes together are allowed within that time before the service fails as a whole.
 */
const rules = { strategy: 'one_for_one', maxRestarts: 10, maxSeconds: 10, autoShutdown: 'never' } as const

/** The process for one network. */
interface Instance {
  readonly child: string
  readonly network: Network
  readonly started: Promise<Pid>
}

/**
 * Starts the service of an entry: no process runs yet.
 *
 * @throws TroupeError `Invalid` for a host with shared threads; `AlreadyExists` for a name in use.
 */
export async function startPerSender(id: EntryId, options: PerSenderOptions): Promise<Running> {
  const service = new PerSenderService(id, options)
  await service.begin()
  return service
}

class PerSenderService implements Running {
  readonly ended: ProcessSupervisor['ended']
  readonly #id: EntryId
  readonly #kernel: Kernel
  readonly #name: string
  readonly #supervisor: ProcessSupervisor
  readonly #instances = new Map<string, Instance>()
  /** The networks of children, by their ids. */
  readonly #networks = new Map<string, Network>()
  readonly #running = new Map<string, Running & { readonly pid: Pid }>()
  #last = 0

  constructor(id: EntryId, { kernel, clock, log }: PerSenderOptions) {
    this.#id = id
    this.#kernel = kernel
    const { fields } = kernel.registry.decode(id, serviceKind)
    this.#name = fields.name ?? id
    this.#supervisor = new ProcessSupervisor({
      name: id,
      rules,
      children: [],
      clock,
      log,
      start: async (spec) => this.#startChild(spec),
      isSupervisor: () => false,
    })
    this.ended = this.#supervisor.ended
    void this.ended.then(() => {
      kernel.serviceNames.remove(this.#name)
    })
  }

  async begin(): Promise<void> {
    const { registry, serviceNames, processes } = this.#kernel
    const { fields } = registry.decode(this.#id, serviceKind)
    if (registry.decode(fields.host, hostKind).fields.host.isolation === 'shared') {
      throw new TroupeError(
        'Invalid',
        `${this.#id}: network: per_sender needs a thread for each network: ${fields.host} is a shared host`,
        {
          details: { service: this.#id, host: fields.host },
          retryable: false,
        },
      )
    }
    processes.checkFree(this.#name)
    serviceNames.add(this.#name, (network) => network && this.#find(network))
    await this.#supervisor.begin()
  }

  async stop(hurry: AbortSignal): Promise<void> {
    this.#kernel.serviceNames.remove(this.#name)
    await this.#supervisor.stop(hurry)
  }

  /** Returns the process for a network, and starts it if needed. */
  async #find(network: Network): Promise<Pid> {
    const known = this.#instances.get(network.key)
    if (known !== undefined) return this.#pidOf(known)
    this.#checkIsolation(network)
    this.#last += 1
    const child = `network-${this.#last}`
    this.#networks.set(child, network)
    const { process } = this.#kernel.registry.decode(this.#id, serviceKind).fields
    const spec: ChildSpec = { id: child, process, input: [], restart: 'transient', significant: false }
    const started = this.#supervisor.startChild(spec).then(({ pid }) => {
      if (pid === undefined)
        throw unavailable(`${this.#id} has no process for ${describeNetwork(network)} at the moment`)
      return pid
    })
    const instance = { child, network, started }
    this.#instances.set(network.key, instance)
    started.catch(() => {
      this.#forget(instance)
    })
    return started
  }

  /** A process that failed has another pid after its restart. */
  async #pidOf({ child, network, started }: Instance): Promise<Pid> {
    await started
    const running = this.#running.get(child)
    if (running !== undefined) {
      if (!this.#kernel.processes.isExiting(running.pid)) return running.pid
      // A process that ends because it was idle takes no more messages: another is started once it has ended.
      await running.ended
      return this.#find(network)
    }
    throw unavailable(`${this.#id}: its process for ${describeNetwork(network)} is being restarted`, {
      service: this.#id,
    })
  }

  async #startChild({ id: child, process }: ChildSpec): Promise<RunningChild> {
    const network = this.#networks.get(child)
    if (network === undefined) throw invalid(`${this.#id} has no child "${child}"`)
    this.#kernel.networks.check(network)
    const { fields } = this.#kernel.registry.decode(this.#id, serviceKind)
    const { overlay } = network
    const running = startProcess(this.#kernel, {
      entry: process,
      host: fields.host,
      args: fields.input,
      frame: serviceFrame(this.#kernel.security, fields.lifecycle, overlay),
      network,
      idleTimeout: fields.idleTimeout,
      ...(fields.accepts && { accepts: fields.accepts }),
    })
    this.#running.set(child, running)
    void running.ended.then((exit) => {
      this.#running.delete(child)
      // A process that returned was idle: the next message starts another.
      const instance = this.#instances.get(network.key)
      if ('value' in exit && instance?.child === child) this.#forget(instance)
    })
    return running
  }

  #forget({ child, network }: Instance): void {
    if (this.#instances.get(network.key)?.child === child) this.#instances.delete(network.key)
    this.#networks.delete(child)
    // Its supervisor may have removed it already.
    this.#supervisor.deleteChild(child).catch(() => undefined)
  }

  /** @throws TroupeError `RateLimited` */
  #checkIsolation(network: Network): void {
    if (network.isolation === undefined) return
    const { maxIsolationKeys } = this.#kernel.registry.decode(this.#id, serviceKind).fields
    const count = this.#instances
      .values()
      .reduce((sum, known) => (known.network.isolation === undefined ? sum : sum + 1), 0)
    if (count < maxIsolationKeys) return
    throw new TroupeError(
      'RateLimited',
      `${this.#id} has processes for ${count} isolation keys already (max_isolation_keys)`,
      {
        details: { service: this.#id, maxIsolationKeys },
      },
    )
  }
}
