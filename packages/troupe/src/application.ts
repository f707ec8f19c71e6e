/** A running application: what programs that contain one do with it. */
import type { Cluster } from '@troupe/cluster/kernel'
import { entryId, type EntryId, runInSlot } from '@troupe/core'
import { closeHttpPools } from '@troupe/http'
import { endStreams } from '@troupe/network'
import { isActingIn, processes } from '@troupe/process'
import type { HostSettings, Kernel } from '@troupe/process/kernel'
import type { Queues } from '@troupe/queue/kernel'
import type { AppConfig, Registry } from '@troupe/registry'
import { ApplicationControls } from './application-controls.ts'
import type { ApplicationParts } from './application-parts.ts'
import { type CommandResult, runCommand } from './command.ts'
import type { AttachServer } from './observe/attach-server.ts'
import type { Health } from './observe/health.ts'
import type { MetricsServer } from './observe/metrics-server.ts'
import { observe, type Observation, type ObserveOptions } from './observe/observation.ts'

/** The host of commands that name no host. */
const commandHost = entryId('troupe:commands')
const commandSettings: HostSettings = { isolation: 'thread', spares: 0, queueSize: 1024 }

/** A running application. */
export class Application extends ApplicationControls implements AsyncDisposable {
  /** Its configuration. */
  readonly config: AppConfig
  /** Its entries. */
  readonly registry: Registry
  /** The kernel, which has all its threads and processes. */
  readonly kernel: Kernel
  /** Its queues. */
  readonly queues: Queues
  /** This node of a cluster, with the section `cluster`. */
  cluster: Cluster | undefined
  readonly #parts: ApplicationParts
  #stopping: Promise<void> | undefined
  #phase: Health['phase'] = 'starting'
  #metrics: MetricsServer | undefined
  #attach: AttachServer | undefined
  readonly #closing = new AsyncDisposableStack()

  /** @internal Use `boot`. */
  constructor(parts: ApplicationParts) {
    super(parts)
    this.#parts = parts
    this.config = parts.config
    this.registry = parts.kernel.registry
    this.kernel = parts.kernel
    this.queues = parts.queues
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
    const { kernel, supervisor, functions, servers, queues, logger } = this.#parts
    const { cluster } = this
    return observe({ kernel, supervisor, functions, servers, queues, cluster, logLines: () => logger.counts }, options)
  }

  /** The port at which metrics are served; `undefined` without the section `metrics`. */
  get metricsPort(): number | undefined {
    return this.#metrics?.port
  }

  /**
   * Serves metrics and health, where the config has a section `metrics`.
   *
   * @internal `boot` calls it.
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

  /**
   * Lets its user look into it from another program. If that is not possible, a line in the log gives the reason.
   *
   * @example
   * ```ts
   * await app.allowAttach() // from now on "troupe ps" and "troupe top" show it
   * ```
   */
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

  /**
   * Disposes of `part` when the application stops.
   *
   * @example
   * ```ts
   * import { createServer } from 'node:http'
   *
   * const server = createServer().listen(8080)
   * app.closeWith(server)
   * ```
   */
  closeWith(part: AsyncDisposable): void {
    this.#closing.use(part)
  }

  /**
   * Its auto-started services were started: it is ready.
   *
   * @internal `boot` calls it.
   */
  started(): void {
    if (this.#phase === 'starting') this.#phase = 'running'
  }

  /**
   * From now on `/readyz` reports that it is stopping. It still works, until it is stopped.
   *
   * @example
   * ```ts
   * import { setTimeout } from 'node:timers/promises'
   *
   * app.retire()
   * await setTimeout(10_000) // load balancers send no more requests
   * await app.stop()
   * ```
   */
  retire(): void {
    this.#phase = 'stopping'
  }

  /**
   * Runs a process entry to its end, in its own thread, and returns its result.
   *
   * @example
   * ```ts
   * const id = 'app:migrate'
   * if (isEntryId(id)) console.log(await app.exec(id, ['2026-01'])) // what its function returned
   * ```
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
   * @example
   * ```ts
   * const id = 'app:migrate'
   * if (isEntryId(id)) process.exitCode = (await app.command(id, process.argv.slice(2))).exitCode
   * ```
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
   * Runs `fn` as the surrounding program, so that `processes`, `funcs`, `http` and `registry` mean this application in
   * it, and in all that it starts and awaits.
   *
   * @example
   * ```ts
   * const small = await app.run(() => funcs.call('app:resize', 'cat.png', 640))
   * ```
   */
  run<T>(fn: () => T): T {
    return runInSlot(this.kernel.runtime.root.slot(), fn)
  }

  /**
   * Runs `fn` in the caller's own context if that is one of this application; else like {@link run}.
   *
   * @example
   * ```ts
   * const pid = app.runHere(() => self.pid)
   * ```
   */
  runHere<T>(fn: () => T): T {
    return isActingIn(this.kernel.runtime) ? fn() : this.run(fn)
  }

  /**
   * Stops services, dependents first, and then all threads.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => void app.stop())
   * ```
   */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(this.#parts.leave)
    await this.#stopping
  }

  /** Stops the application, like {@link Application.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    this.retire()
    const parts = this.#parts
    parts.watch[Symbol.dispose]()
    await this.registry.close()
    await parts.supervisor.stopAll()
    parts.later[Symbol.dispose]()
    await this.queues[Symbol.asyncDispose]()
    await this.cluster?.[Symbol.asyncDispose]()
    await parts.functions[Symbol.asyncDispose]()
    await this.kernel[Symbol.asyncDispose]()
    await parts.tokens[Symbol.asyncDispose]()
    // Connections that the surrounding program kept open for this application serve no other.
    const { application } = this.kernel.overlays
    await closeHttpPools(0, application)
    endStreams(application)
    await parts.report[Symbol.asyncDispose]()
    await this.kernel.overlays[Symbol.asyncDispose]()
    await this.#closing.disposeAsync()
    await this.#metrics?.[Symbol.asyncDispose]()
    await this.#attach?.[Symbol.asyncDispose]()
  }
}
