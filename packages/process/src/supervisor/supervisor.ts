/** Starts services in the order of their needs, starts them again when they fail, and stops them the other way round. */
import { channel } from 'node:diagnostics_channel'
import { type EntryId, notFound, type TroupeError, unavailable } from '@troupe/core'
import type { Graph, Lifecycle } from '@troupe/registry'
import type { Running } from './lifecycle.machine.ts'
import { Service, type ServiceStatus } from './service.ts'

/** Published with a {@link ServiceStatus} each time a service changes its state. */
export const serviceChannel = channel('troupe:service')

/** How a service is brought up. */
export interface ServiceDefinition {
  readonly id: EntryId
  readonly kind: string
  readonly lifecycle: Lifecycle
  /** Starts with the application; others start when something needs them. */
  readonly autoStart: boolean
  readonly start: (signal: AbortSignal) => Promise<Running>
}

export interface SupervisorOptions {
  readonly graph: Graph
  readonly services: readonly ServiceDefinition[]
  readonly log: (line: string) => void
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #definitions: ReadonlyMap<EntryId, ServiceDefinition>
  readonly #services = new Map<EntryId, Service>()

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#definitions = new Map(options.services.map((service) => [service.id, service]))
    for (const definition of options.services) this.#services.set(definition.id, this.#create(definition))
  }

  /** All services, as they are now. */
  list(): readonly ServiceStatus[] {
    return Array.from(this.#services.values(), ({ status }) => status)
  }

  /** @throws TroupeError `NotFound` for an entry that is no service. */
  status(id: EntryId): ServiceStatus {
    return this.#service(id).status
  }

  /** Starts what has `auto_start` and all that it needs. Settles when each runs, or has failed once. */
  async startAll(): Promise<void> {
    const wanted = new Set<EntryId>()
    for (const { id, autoStart } of this.#definitions.values()) if (autoStart) this.#need(id, wanted)
    for (const level of this.#levels()) {
      await Promise.all(level.filter((id) => wanted.has(id)).map(async (id) => this.#service(id).start()))
    }
  }

  /** Starts a service and what it needs. */
  async start(id: EntryId): Promise<ServiceStatus> {
    const wanted = new Set<EntryId>()
    this.#need(id, wanted)
    for (const level of this.#levels()) {
      await Promise.all(level.filter((other) => wanted.has(other) && !this.#runs(other)).map(async (other) => this.#service(other).start()))
    }
    return this.status(id)
  }

  /** Stops a service; what needs it stops first. */
  async stop(id: EntryId): Promise<void> {
    await Promise.all(this.#options.graph.dependentsOf(id).map(async (other) => (this.#services.has(other) ? this.stop(other) : undefined)))
    await this.#service(id).stop()
  }

  /** Stops all, dependents first. No timer is left. */
  async stopAll(): Promise<void> {
    for (const level of this.#levels().toReversed()) {
      await Promise.all(level.map(async (id) => this.#service(id).stop()))
    }
    for (const service of this.#services.values()) service.close()
  }

  #create(definition: ServiceDefinition): Service {
    return new Service({
      ...definition,
      start: async (signal) => {
        this.#checkNeeds(definition.id)
        return definition.start(signal)
      },
      onChange: (status) => {
        this.#changed(status)
      },
    })
  }

  /** Services by levels: those of one level do not need each other. */
  #levels(): readonly (readonly EntryId[])[] {
    return this.#options.graph.levels.map((level) => level.filter((id) => this.#services.has(id)))
  }

  #need(id: EntryId, wanted: Set<EntryId>): void {
    if (wanted.has(id)) return
    if (this.#services.has(id)) wanted.add(id)
    for (const other of this.#options.graph.dependenciesOf(id)) this.#need(other, wanted)
  }

  #checkNeeds(id: EntryId): void {
    const missing = this.#options.graph.dependenciesOf(id).find((other) => this.#services.has(other) && !this.#runs(other))
    if (missing !== undefined)
      throw unavailable(`${id} needs ${missing}, which is ${this.status(missing).state}`, { service: id, needs: missing })
  }

  #runs(id: EntryId): boolean {
    return this.status(id).state === 'Running'
  }

  #service(id: EntryId): Service {
    const service = this.#services.get(id)
    if (service === undefined) throw notFound(`${id} is no service`, { id })
    return service
  }

  #changed(status: ServiceStatus): void {
    if (serviceChannel.hasSubscribers) serviceChannel.publish(status)
    this.#options.log(`${status.id} ${status.state}${reason(status.error)}`)
  }
}

function reason(error: TroupeError | undefined): string {
  return error === undefined ? '' : `: ${error.kind}: ${error.message}`
}
