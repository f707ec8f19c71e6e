/** Starts services in dependency order, restarts them when they fail, and stops them in reverse order. */
import { type Channel, channel } from 'node:diagnostics_channel'
import {
  type Clock,
  type EntryId,
  type Log,
  notFound,
  systemClock,
  type TroupeError,
  unavailable,
  settledWithin,
} from '@troupe/core'
import type { Graph, Lifecycle } from '@troupe/registry'
import type { Start } from './service-instance.ts'
import { type Dependencies, dependenciesOf } from './dependencies.ts'
import { Service, type ServiceState, type ServiceStatus } from './service.ts'
import { noteOf } from './service-log.ts'

/** Published with a {@link ServiceStatus} each time a service changes its state. */
export const serviceChannel: Channel<object, ServiceStatus> = channel('troupe:service')

/** How a service is started. */
export interface ServiceDefinition {
  readonly id: EntryId
  readonly kind: string
  readonly lifecycle: Lifecycle
  /** Whether it starts with the application; others start when something needs them. */
  readonly autoStart: boolean
  /**
   * Whether it runs in the application's default network, and so needs the default overlay if there is one. @default
   * false
   */
  readonly followsDefault?: boolean
  readonly start: Start
  /** See {@link ServiceStatus}. */
  readonly protection?: () => ServiceStatus['protection']
  /** See {@link ServiceStatus}. */
  readonly replicas?: () => NonNullable<ServiceStatus['replicas']>
  /**
   * Milliseconds that the start of the application waits for it. It may take longer, but the start no longer waits.
   * @default no limit
   */
  readonly patience?: number
}

export interface ServiceSupervisorOptions {
  readonly graph: Graph
  readonly services: readonly ServiceDefinition[]
  /** The overlay of everything that chooses none. */
  readonly defaultOverlay?: EntryId | undefined
  readonly log: Log
  /** A service has changed its state. */
  readonly onChange?: ((status: ServiceStatus) => void) | undefined
  /** @default the system's */
  readonly clock?: Clock
}

const atRest: ReadonlySet<ServiceState> = new Set<ServiceState>(['Unknown', 'Stopping', 'Stopped', 'Exited'])

/** Runs all services of an application. */
export class ServiceSupervisor {
  readonly #options: ServiceSupervisorOptions
  readonly #services = new Map<EntryId, Service>()
  /** Services in the default network. */
  readonly #followers = new Set<EntryId>()
  /** Computed again when services or references have changed. */
  #links: Dependencies | undefined
  /** Services that are being stopped together with what they need: they do not restart before that is done. */
  readonly #leaving = new Set<EntryId>()
  /** The pending change of each service. */
  readonly #turns = new Map<EntryId, Promise<void>>()
  #stopping = false

  constructor(options: ServiceSupervisorOptions) {
    this.#options = options
    for (const definition of options.services) this.#services.set(definition.id, this.#create(definition))
  }

  /** All services, in their current state. */
  list(): readonly ServiceStatus[] {
    return Array.from(this.#services.values(), ({ status }) => status)
  }

  /** @throws TroupeError `NotFound` for an entry that is not a service. */
  status(id: EntryId): ServiceStatus {
    return this.#service(id).status
  }

  /**
   * Starts the services with `auto_start` and everything that they need. Settles when each service runs, has failed
   * once, or has used up the time for which the start waits.
   */
  async startAll(): Promise<void> {
    const start = this.#starter()
    const wanted = this.#options.services.filter(({ autoStart }) => autoStart)
    await Promise.all(
      wanted.map(async ({ id, patience }) => (patience === undefined ? start(id) : settledWithin(start(id), patience))),
    )
  }

  /**
   * Starts a service and what it needs.
   *
   * @throws TroupeError `NotFound` for an entry that is not a service; `Unavailable` while all services are being
   * stopped.
   */
  async start(id: EntryId): Promise<ServiceStatus> {
    const service = this.#service(id)
    if (this.#stopping) throw unavailable(`${id} cannot start: the application stops`, { service: id })
    const start = this.#starter()
    await Promise.all(
      this.#needs(id)
        .filter((other) => !this.#isMet(other))
        .map(start),
    )
    return this.#stopping ? service.status : service.start()
  }

  /** Stops a service. Services that need it stop first. */
  async stop(id: EntryId): Promise<void> {
    this.#service(id)
    const leaving = this.#dependents(id)
    for (const other of leaving) this.#leaving.add(other)
    await this.#stopper()(id)
    for (const other of leaving) this.#leaving.delete(other)
  }

  /**
   * Adds a service, or replaces the one with its id. Services that ran before run again; others start if they have
   * `auto_start`.
   *
   * @param inPlace - The old service is not stopped: the start of the new one replaces it.
   */
  async put(definition: ServiceDefinition, inPlace = false): Promise<void> {
    await this.#inTurn(definition.id, async () => this.#put(definition, inPlace))
  }

  async #put(definition: ServiceDefinition, inPlace: boolean): Promise<void> {
    const { id, autoStart } = definition
    const former = this.#services.get(id)
    const wasUp = former !== undefined && !atRest.has(former.status.state)
    if (!inPlace) await former?.stop()
    former?.close()
    this.#links = undefined
    this.#services.set(id, this.#create(definition))
    if ((wasUp || autoStart) && !this.#stopping) await this.start(id)
  }

  /** Stops a service, after the services that need it, and removes it. Does nothing when it is unknown. */
  async remove(id: EntryId): Promise<void> {
    await this.#inTurn(id, async () => {
      if (!this.#services.has(id)) return
      await this.stop(id)
      this.#services.get(id)?.close()
      this.#services.delete(id)
      this.#links = undefined
    })
  }

  /** A service, and all services that stop with it. */
  stopsWith(id: EntryId): ReadonlySet<EntryId> {
    return this.#services.has(id) ? this.#dependents(id) : new Set()
  }

  /** Serialises the changes of a service, because no other code does. */
  async #inTurn(id: EntryId, work: () => Promise<void>): Promise<void> {
    const mine = (this.#turns.get(id) ?? Promise.resolve()).then(work)
    const settled = mine.catch(() => undefined)
    this.#turns.set(id, settled)
    await mine
    if (this.#turns.get(id) === settled) this.#turns.delete(id)
  }

  /** References between entries have changed. */
  relink(): void {
    this.#links = undefined
  }

  /** Stops all services, dependents first. Afterwards no timer is left, and nothing can be started. */
  async stopAll(): Promise<void> {
    this.#stopping = true
    const stop = this.#stopper()
    await Promise.all(Array.from(this.#services.keys(), stop))
    for (const service of this.#services.values()) service.close()
  }

  /** Starts each service once, as soon as everything that it needs has been tried. */
  #starter(): (id: EntryId) => Promise<void> {
    return once(async (id, start) => {
      await Promise.all(
        this.#needs(id)
          .filter((other) => !this.#isMet(other))
          .map(start),
      )
      if (!this.#stopping && !this.#leaving.has(id)) await this.#service(id).start()
    })
  }

  /** Stops each service once, as soon as everything that needs it has stopped. */
  #stopper(): (id: EntryId) => Promise<void> {
    return once(async (id, stop) => {
      await Promise.all(this.#neededBy(id).map(stop))
      await this.#service(id).stop()
    })
  }

  /** A service, and all services that depend on it. */
  #dependents(id: EntryId, found = new Set<EntryId>()): ReadonlySet<EntryId> {
    if (found.has(id)) return found
    found.add(id)
    for (const other of this.#neededBy(id)) this.#dependents(other, found)
    return found
  }

  /** The services that a service needs. */
  #needs(id: EntryId): readonly EntryId[] {
    return this.#linked().needs.get(id) ?? []
  }

  /** The services that need a service. */
  #neededBy(id: EntryId): readonly EntryId[] {
    return this.#linked().neededBy.get(id) ?? []
  }

  #linked(): Dependencies {
    const { graph, defaultOverlay } = this.#options
    this.#links ??= dependenciesOf(graph, [...this.#services.keys()], (id) =>
      this.#followers.has(id) ? defaultOverlay : undefined,
    )
    return this.#links
  }

  #create({ followsDefault = false, ...definition }: ServiceDefinition): Service {
    const { id } = definition
    if (followsDefault) this.#followers.add(id)
    else this.#followers.delete(id)
    return new Service({
      ...definition,
      clock: this.#options.clock ?? systemClock,
      blockedBy: () => this.#blockedBy(id),
      onChange: (status, before) => {
        this.#changed(status, before)
      },
    })
  }

  #blockedBy(id: EntryId): TroupeError | undefined {
    if (this.#leaving.has(id)) return unavailable('it is being stopped', { service: id })
    const missing = this.#needs(id).find((other) => !this.#isMet(other))
    if (missing === undefined) return undefined
    return unavailable(`it needs ${missing}, which is ${this.status(missing).state}`, { service: id, needs: missing })
  }

  /**
   * A need is met by a running service, and by a service that has run to its end, such as the preparation of a
   * database.
   */
  #isMet(id: EntryId): boolean {
    const { state, error } = this.status(id)
    return state === 'Running' || (state === 'Exited' && error === undefined)
  }

  #service(id: EntryId): Service {
    const service = this.#services.get(id)
    if (service === undefined) throw notFound(`${id} is not a service`, { id })
    return service
  }

  #changed(status: ServiceStatus, before: ServiceStatus): void {
    if (serviceChannel.hasSubscribers) serviceChannel.publish(status)
    this.#options.onChange?.(status)
    this.#options.log(status.state, noteOf(status, before))
    if (this.#stopping || !this.#isMet(status.id)) return
    for (const id of this.#neededBy(status.id)) {
      const dependent = this.#service(id)
      if (dependent.isBlocked) dependent.wake()
    }
  }
}

/** Runs `act` for each id at most once, however often it is called. */
function once(
  act: (id: EntryId, again: (id: EntryId) => Promise<void>) => Promise<void>,
): (id: EntryId) => Promise<void> {
  const done = new Map<EntryId, Promise<void>>()
  const doOnce = (id: EntryId): Promise<void> => {
    const known = done.get(id)
    if (known !== undefined) return known
    const doing = act(id, doOnce)
    done.set(id, doing)
    return doing
  }
  return doOnce
}
