/** A running application: what programs that contain one do with it. */
import { entryId, type EntryId, runInSlot } from '@troupe/core'
import type { Functions } from '@troupe/functions/kernel'
import { closeHttpPools } from '@troupe/http'
import type { ServerAddress, ServerServices, TokenStoreTable } from '@troupe/http/kernel'
import { endStreams, type OverlayStatus } from '@troupe/network'
import type { RunningReport } from '@troupe/network/kernel'
import { isActingIn, processes } from '@troupe/process'
import type {
  HostSettings,
  Kernel,
  LaterMessages,
  RunningSupervisors,
  ServiceStatus,
  ServiceSupervisor,
} from '@troupe/process/kernel'
import type { Queues } from '@troupe/queue/kernel'
import type { AppConfig, Registry } from '@troupe/registry'
import type { ApplicationParts } from './application-parts.ts'
import { type CommandResult, runCommand } from './command.ts'
import type { LeastLevel } from './log/levels.ts'
import type { Logger } from './log/logger.ts'
import { renewCode, restartWith } from './live/code.ts'
import type { AttachServer } from './observe/attach-server.ts'
import type { Health } from './observe/health.ts'
import type { MetricsServer } from './observe/metrics-server.ts'
import { observe, type Observation, type ObserveOptions } from './observe/observation.ts'

/** The host of commands that name no host. */
const commandHost = entryId('troupe:commands')
const commandSettings: HostSettings = { isolation: 'thread', spares: 0, queueSize: 1024 }

/** A running application. */
export class Application implements AsyncDisposable {
  /** Its configuration. */
  readonly config: AppConfig
  /** Its entries. */
  readonly registry: Registry
  /** The kernel, which has all its threads and processes. */
  readonly kernel: Kernel
  /** Its queues. */
  readonly queues: Queues
  readonly #supervisor: ServiceSupervisor
  readonly #supervisors: RunningSupervisors
  readonly #functions: Functions
  readonly #servers: ServerServices
  readonly #tokens: TokenStoreTable
  readonly #report: RunningReport
  readonly #later: LaterMessages
  readonly #logger: Logger
  readonly #watch: Disposable
  readonly #leave: () => void
  #stopping: Promise<void> | undefined
  #phase: Health['phase'] = 'starting'
  #metrics: MetricsServer | undefined
  #attach: AttachServer | undefined
  readonly #closing = new AsyncDisposableStack()

  /** Use `boot`. */
  constructor(parts: ApplicationParts) {
    this.config = parts.config
    this.registry = parts.kernel.registry
    this.kernel = parts.kernel
    this.#supervisor = parts.supervisor
    this.#supervisors = parts.supervisors
    this.#functions = parts.functions
    this.#servers = parts.servers
    this.#tokens = parts.tokens
    this.#report = parts.report
    this.#later = parts.later
    this.queues = parts.queues
    this.#logger = parts.logger
    this.#watch = parts.watch
    this.#leave = parts.leave
  }

  /** Returns the current state of hosts, overlays and supervised processes. */
  services(): readonly ServiceStatus[] {
    return this.#supervisor.list()
  }

  /** Returns the state of one service. @throws TroupeError `NotFound` */
  service(id: EntryId): ServiceStatus {
    return this.#supervisor.status(id)
  }

  /**
   * Returns the status of an overlay; `undefined` for kinds that know no more than their dials show.
   *
   * @throws TroupeError `NotFound`
   */
  async overlayStatus(id: EntryId): Promise<OverlayStatus | undefined> {
    return this.kernel.overlays.status(id)
  }

  /**
   * Returns what the application does now: its threads and what happened in them, processes, connections, overlays,
   * pools, services, queues, decisions of policies, refusals and dead letters. A thread that is busy delays this by a
   * second at most; its counters are there even so, and it is named as silent.
   *
   * @example
   * ```ts
   * const { processes } = await app.observe()
   * const longest = processes.rows.toSorted((a, b) => b.mailbox - a.mailbox)[0]
   * ```
   */
  async observe(options: ObserveOptions = {}): Promise<Observation> {
    const { kernel, queues } = this
    const [supervisor, functions, servers] = [this.#supervisor, this.#functions, this.#servers]
    const logLines = () => this.#logger.counts
    return observe({ kernel, supervisor, functions, servers, queues, logLines }, options)
  }

  /** Closes a connection through an overlay, by the thread and the number with which `observe` lists it. */
  closeConnection(thread: number, connection: number): void {
    this.kernel.threads.get(thread)?.post({ type: 'closeConnection', connection })
  }

  /** The port at which metrics are served; `undefined` without the section `metrics`. */
  get metricsPort(): number | undefined {
    return this.#metrics?.port
  }

  /**
   * Serves metrics and health, where the config has a section `metrics`. `boot` calls it.
   *
   * @throws TroupeError `Unavailable` when the address is in use.
   */
  async serveMetrics(): Promise<void> {
    const { metrics: settings } = this.config
    if (settings === undefined || this.#metrics !== undefined) return
    const { MetricsServer: Server } = await import('./observe/metrics-server.ts')
    this.#metrics = await Server.start({
      settings,
      // Processes and connections are no metrics.
      observe: async () => this.observe({ processes: 0, connections: 0 }),
      health: () => ({ phase: this.#phase, services: this.services() }),
      onError: (error) => {
        this.kernel.note('the metrics could not be made', { level: 'error', error })
      },
    })
    this.kernel.note(`metrics and health at ${this.#metrics.url}`)
  }

  /** Lets its user look into it from another program. If that is not possible, a line in the log gives the reason. */
  async allowAttach(): Promise<void> {
    if (this.#attach !== undefined) return
    const { AttachServer: Server } = await import('./observe/attach-server.ts')
    try {
      const attach = await Server.start(this)
      // It may have been stopped meanwhile.
      if (this.#phase === 'stopping') await attach[Symbol.asyncDispose]()
      else this.#attach = attach
    } catch (error) {
      this.kernel.note('other programs cannot attach to this application', { level: 'warn', error })
    }
  }

  /** Disposes of `part` when the application stops. */
  closeWith(part: AsyncDisposable): void {
    this.#closing.use(part)
  }

  /** Its auto-started services were started: it is ready. `boot` calls it. */
  started(): void {
    if (this.#phase === 'starting') this.#phase = 'running'
  }

  /** From now on `/readyz` reports that it is stopping. It still works, until it is stopped. */
  retire(): void {
    this.#phase = 'stopping'
  }

  /**
   * Changes which lines the log writes, until the configuration changes.
   *
   * @param level - The lowest level that is written; `undefined` for that of the configuration.
   * @param entry - The entry or overlay whose lines it applies to. @default all that have no level of their own
   * @throws TroupeError `NotFound`
   */
  setLogLevel(level: LeastLevel | undefined, entry?: EntryId): void {
    if (entry !== undefined) this.registry.get(entry)
    this.#logger.levels.set(level, entry)
  }

  /** Starts a service, and the services that it needs. */
  async start(id: EntryId): Promise<ServiceStatus> {
    return this.#supervisor.start(id)
  }

  /** Stops a service; its dependents stop first. */
  async stopService(id: EntryId): Promise<void> {
    await this.#supervisor.stop(id)
  }

  /**
   * Runs a process entry to its end, in its own thread, and returns its result.
   *
   * @throws what the process threw.
   */
  async exec(entry: EntryId, args: readonly unknown[] = []): Promise<unknown> {
    return this.run(async () => processes.exec(entry, this.#commands(), ...args))
  }

  /**
   * Runs a process entry like a program of the shell: it also finds its arguments in `process.argv`, and may set
   * `process.exitCode` or call `process.exit`.
   *
   * @throws what the process threw.
   */
  async command(entry: EntryId, args: readonly string[] = []): Promise<CommandResult> {
    return runCommand(this.kernel, entry, this.#commands(), args)
  }

  /** The host of everything that the surrounding program runs. */
  #commands(): EntryId {
    const { hosts } = this.kernel
    if (!hosts.has(commandHost)) hosts.add(hosts.create(commandHost, commandSettings))
    return commandHost
  }

  /**
   * Reports that the code of a process or function entry has changed. New processes and calls load the new code,
   * including what it imports by relative paths. Running ones continue; upgradable processes receive an OUTDATED event.
   *
   * @throws TroupeError `NotFound`
   */
  async codeChanged(entry: EntryId): Promise<void> {
    await renewCode({ kernel: this.kernel, functions: this.#functions, servers: this.#servers }, entry)
  }

  /**
   * Restarts the services and supervised children that run a process entry, so that they run its current code.
   * Upgradable processes are not restarted, because they take over the new code themselves.
   *
   * @returns the names of the restarted services.
   */
  async restartWith(entry: EntryId): Promise<readonly string[]> {
    return restartWith({ kernel: this.kernel, supervisor: this.#supervisor, supervisors: this.#supervisors }, entry)
  }

  /** Returns the address of a running `http.service`. @throws TroupeError `NotFound` */
  address(service: EntryId): ServerAddress {
    return this.#servers.address(service)
  }

  /**
   * Runs `fn` as the surrounding program, so that `processes`, `funcs`, `http` and `registry` mean this application in
   * it, and in all that it starts and awaits.
   */
  run<T>(fn: () => T): T {
    return runInSlot(this.kernel.runtime.root.slot(), fn)
  }

  /** Runs `fn` in the caller's own context if that is one of this application; else like {@link run}. */
  runHere<T>(fn: () => T): T {
    return isActingIn(this.kernel.runtime) ? fn() : this.run(fn)
  }

  /** Stops services, dependents first, and then all threads. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(this.#leave)
    await this.#stopping
  }

  /** Stops the application, like {@link Application.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    this.retire()
    this.#watch[Symbol.dispose]()
    await this.registry.close()
    await this.#supervisor.stopAll()
    this.#later[Symbol.dispose]()
    await this.queues[Symbol.asyncDispose]()
    await this.#functions[Symbol.asyncDispose]()
    await this.kernel[Symbol.asyncDispose]()
    await this.#tokens[Symbol.asyncDispose]()
    // Connections that the surrounding program kept open for this application serve no other.
    const { application } = this.kernel.overlays
    await closeHttpPools(0, application)
    endStreams(application)
    await this.#report[Symbol.asyncDispose]()
    await this.kernel.overlays[Symbol.asyncDispose]()
    await this.#closing.disposeAsync()
    await this.#metrics?.[Symbol.asyncDispose]()
    await this.#attach?.[Symbol.asyncDispose]()
  }
}
