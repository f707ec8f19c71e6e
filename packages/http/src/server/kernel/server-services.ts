/** Servers on the kernel's side: each is a process in a thread of its own, under the supervisor. */
import {
  denied,
  entryId,
  type EntryId,
  fork,
  invalid,
  type Log,
  notFound,
  type Pid,
  runInSlot,
  startTimer,
  stopTimer,
  threadOf,
  type Timer,
  TroupeError,
  unavailable,
} from '@troupe/core'
import { isDeepStrictEqual } from 'node:util'
import { processes } from '@troupe/process'
import { type Kernel, serviceFrame, type ServiceDefinition, startProcess } from '@troupe/process/kernel'
import { diagnosticsError } from '@troupe/registry'
import { httpServiceKind } from '../../config/service-kind.ts'
import { httpRequests } from '../../request-rules.ts'
import { checkRoutes } from './check-routes.ts'
import { handleRequestWorkers } from './request-workers.ts'
import { orderTopic, type ServerOrder } from '../order.ts'
import type { ServerAddress } from '../listener/server.ts'
import type { ServerSettings } from '../routing/route-table.ts'
import { type Source, tableOf } from './build-route-table.ts'
import { CountsByService, pathsOf, type ServiceCounts } from './service-counts.ts'
import { peerActor } from './peer-actor.ts'
import { ServiceNetwork } from './service-network.ts'

const module = new URL(`../main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href

/**
 * One spare thread is kept warm, for a server that must be restarted. Requests mostly leave young garbage: a larger
 * young generation saves a fifth of the time.
 */
const settings = {
  isolation: 'thread',
  spares: 1,
  queueSize: 1024,
  resourceLimits: { maxYoungGenerationSizeMb: 64 },
} as const
const hostId = entryId('troupe:http')

type SupervisedServer = ReturnType<typeof startProcess>

interface RunningServer {
  readonly pid: Pid
  readonly address: ServerAddress
  readonly settings: ServerSettings
}

export interface ServerServicesOptions {
  readonly kernel: Kernel
  readonly log: Log
}

/**
 * The `http.service` entries of an application.
 *
 * @example
 * ```ts
 * const servers = new Servers({ kernel, log })
 * const services = servers.services()
 * ```
 */
export class ServerServices {
  readonly #kernel: Kernel
  readonly #network: ServiceNetwork
  readonly #log: Log
  readonly #running = new Map<EntryId, RunningServer>()
  readonly #counts = new CountsByService()
  readonly #checked = new WeakSet<Source>()
  #refreshed: { readonly version: number; readonly done: Promise<void> } | undefined
  readonly #starting = new Map<Pid, (address: ServerAddress) => void>()
  /**
   * Number of times that overlays were added, changed or deleted: routes depend on whether an overlay isolates actors.
   */
  #overlayChanges = 0

  constructor({ kernel, log }: ServerServicesOptions) {
    this.#kernel = kernel
    this.#network = new ServiceNetwork(kernel)
    this.#log = log
    kernel.overlays.onChange(() => {
      this.#overlayChanges += 1
      this.refresh(true).catch((error: unknown) => {
        log('could not notify servers of the current overlays', { level: 'error', error })
      })
    })
    kernel.handle('identify', httpRequests.identify, ({ peer }, { record, thread }) => {
      const { entry } = record
      const isAllowed =
        entry !== undefined &&
        this.#running.get(entry)?.pid === record.pid &&
        this.#running.get(entry)?.settings.fields.identity
      if (!isAllowed) throw denied(`${record.pid} has no "identity" configured`, { pid: record.pid })
      const frame = fork(record.frame, { actor: peerActor(peer) })
      return { pid: kernel.tasks.admit({ entry, frame, thread, role: record.role }).pid, frame }
    })
    handleRequestWorkers({
      kernel,
      log,
      onEnded: (server, lane, error) => {
        this.#order(server, { type: 'laneEnded', lane, error }).catch(() => undefined)
      },
    })
    kernel.handle('serving', httpRequests.serving, async (address, { record }) => {
      const started = this.#starting.get(record.pid)
      if (started === undefined || record.entry === undefined)
        throw invalid(`${record.pid} is not a server that is starting`, { pid: record.pid })
      const { network } = this.#network.settings(record.entry)
      const status = network === null ? undefined : await kernel.overlays.status(network)
      started(address)
      return { names: [...(status?.name === undefined ? [] : [status.name]), ...(status?.addresses ?? [])] }
    })
  }

  /** Returns the services that the supervisor runs. */
  services(): readonly ServiceDefinition[] {
    return this.#kernel.registry.find({ kind: httpServiceKind.kind }).map(({ id }) => this.service(id))
  }

  service(id: EntryId): ServiceDefinition {
    const { fields, entry } = this.#kernel.registry.decode(id, httpServiceKind)
    // Without an overlay of its own the service listens in the default network, and its handlers use that network too.
    const followsDefault =
      fields.network === undefined || (fields.replyVia === undefined && this.#network.pin(id) === undefined)
    const { autoStart } = fields.lifecycle
    const common = { id, kind: entry.kind, autoStart, followsDefault, start: async () => this.#start(id) }
    const startTimeout = this.#network.slowStart(id)
    if (startTimeout === undefined) return { ...common, lifecycle: fields.lifecycle }
    return { ...common, lifecycle: { ...fields.lifecycle, startTimeout }, patience: patienceWithSlow }
  }

  /** Returns the address of a running server. @throws TroupeError `NotFound` */
  address(id: EntryId): ServerAddress {
    const running = this.#running.get(id)
    if (running === undefined) throw notFound(`${id} does not run`, { service: id })
    return running.address
  }

  /** What each service counted of its requests, since the start of the application. */
  counts(): readonly ServiceCounts[] {
    return this.#counts.all()
  }

  /** Checks future entries, once for each state. @throws TroupeError `Invalid` for routes that conflict. */
  check(source: Source): void {
    if (this.#checked.has(source)) return
    this.#checked.add(source)
    const problems = checkRoutes(source)
    if (problems.length > 0) throw diagnosticsError(problems)
  }

  /**
   * Updates the routes of all running servers: once for each version of the entries, or again because code has changed.
   */
  async refresh(force = false): Promise<void> {
    const version = this.#kernel.registry.version()
    if (force || this.#refreshed?.version !== version) this.#refreshed = { version, done: this.#reroute() }
    await this.#refreshed.done
  }

  /** Makes a running server adopt the changes of its entry. Returns false when it must be restarted for them. */
  async adapt(id: EntryId): Promise<boolean> {
    const running = this.#running.get(id)
    if (running === undefined) return false
    const settings = this.#network.settings(id)
    if (!isDeepStrictEqual(lasting(running.settings), lasting(settings))) return false
    await this.#order(running.pid, { type: 'settings', settings })
    this.#running.set(id, { ...running, settings })
    return true
  }

  async #reroute(): Promise<void> {
    await Promise.all(
      Array.from(this.#running, async ([id, { pid }]) => this.#order(pid, { type: 'routes', table: this.#table(id) })),
    )
  }

  async #start(id: EntryId): Promise<SupervisedServer> {
    const { hosts, registry, security } = this.#kernel
    if (!hosts.has(hostId)) hosts.add(hosts.create(hostId, settings))
    const { fields } = registry.decode(id, httpServiceKind)
    const given = this.#network.settings(id)
    const frame = serviceFrame(
      security,
      fields.lifecycle,
      fields.replyVia === 'same' ? given.network : this.#network.pin(id),
    )
    const version = registry.version()
    const overlayChanges = this.#overlayChanges
    const memory = this.#counts.of(id).open()
    const server = startProcess(this.#kernel, {
      entry: id,
      program: { entry: id, module, method: 'serve' },
      host: hostId,
      args: [given, this.#table(id), memory],
      frame,
      // It runs no code of the application for incoming messages.
      accepts: 'any',
      role: 'server',
    })
    this.#counts.of(id).runsIn(memory, this.#kernel.threads.get(threadOf(server.pid)), server.ended)
    if (given.network !== null) this.#kernel.bindings.allow(server.pid, given.network)
    const { promise: serving, resolve } = Promise.withResolvers<ServerAddress>()
    this.#starting.set(server.pid, resolve)
    try {
      const address = await Promise.race([serving, endOf(id, server)])
      this.#running.set(id, { pid: server.pid, address, settings: given })
      this.#watch(id, server)
      // Apply what has changed while it started.
      if (registry.version() !== version || this.#overlayChanges !== overlayChanges)
        await this.#order(server.pid, { type: 'routes', table: this.#table(id) })
      this.#log(`listens on ${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`, {
        entry: id,
        pid: server.pid,
      })
      void server.ended.then(() => {
        if (this.#running.get(id)?.pid === server.pid) this.#running.delete(id)
      })
      return server
    } finally {
      this.#starting.delete(server.pid)
    }
  }

  #table(service: EntryId) {
    const { registry, code } = this.#kernel
    const routes = tableOf(registry, service, {
      moduleOf: (entry, file) => code.url(entry, file),
      leadsElsewhere: (pin) => this.#network.leadsElsewhere(service, pin),
      isolatesActors: (pin) => this.#network.isolatesActors(service, pin),
    })
    return { ...routes, counted: this.#counts.of(service).numbered(pathsOf(routes)) }
  }

  /** Ends a server whose thread does not respond: its code loops. The supervisor restarts it. */
  #watch(id: EntryId, { pid, ended }: SupervisedServer): void {
    let timer: Timer | undefined
    let isOver = false
    const look = async () => {
      const { stall } = this.#running.get(id)?.settings.fields.timeouts ?? { stall: 0 }
      if (stall === 0 || isOver) return
      try {
        await this.#order(pid, { type: 'ping' }, stall)
        if (!isOver) timer = startTimer(() => void look(), stall).unref()
      } catch (error) {
        if (isOver || !(error instanceof TroupeError) || error.kind !== 'Timeout') return
        await this.#kernel
          .terminate(pid, unavailable(`${id} did not respond for ${stall} ms: something loops in its thread`))
          .catch(() => undefined)
      }
    }
    void look()
    void ended.then(() => {
      isOver = true
      stopTimer(timer)
    })
  }

  async #order(pid: Pid, order: ServerOrder, timeout = orderTime): Promise<void> {
    await runInSlot(this.#kernel.runtime.root.slot(), async () => processes.call(pid, orderTopic, order, { timeout }))
  }
}

/** Returns the settings that a running server cannot change; it can adopt all others. */
function lasting({ fields, network }: ServerSettings): unknown {
  const { timeouts, limits, tls, lifecycle, ...rest } = fields
  const { headers, read, idle } = timeouts
  const { security } = lifecycle
  const secure = tls && { mode: tls.mode, clientAuth: tls.clientAuth }
  return {
    ...rest,
    maxIsolationKeys: 0,
    accessLog: false,
    network,
    security,
    tls: secure,
    timeouts: { headers, read, idle },
    limits: { ...limits, body: 0 },
  }
}

/** Milliseconds that the start of the application waits for a service on an overlay that starts slowly. */
const patienceWithSlow = 5_000
/** Milliseconds that a server may take to carry out an order. */
const orderTime = 10_000

/** Rejects when a server ends before it serves. */
async function endOf(id: EntryId, { ended }: SupervisedServer): Promise<never> {
  const exit = await ended
  throw 'error' in exit ? exit.error : unavailable(`${id} ended before it served`)
}
