/** Boots an application, runs it, and stops it. For programs that contain one: the command line, tests, embedding. */
import { type Clock, entryId, type EntryId, runInSlot, TroupeError } from '@troupe/core'
import { Functions } from '@troupe/functions/kernel'
import { closeHttpPools } from '@troupe/http'
import { answerConnections, type ServerAddress, ServerServices, TokenStoreTable } from '@troupe/http/kernel'
import { type OverlayStatus, provideNetworkAccess, trustAddons } from '@troupe/network'
import { overlayKinds, OverlayTable, RunningReport } from '@troupe/network/kernel'
import { compilePolicies, Security } from '@troupe/policy/kernel'
import { currentRuntime, processes, setOutsideParticipant, setRuntime } from '@troupe/process'
import {
  type HostSettings,
  Kernel,
  kernelNetworkAccess,
  type Print,
  routesChanged,
  servicesOf,
  type ServiceStatus,
  ServiceSupervisor,
  RunningSupervisors,
} from '@troupe/process/kernel'
import { type AppConfig, diagnosticsError, type Registry } from '@troupe/registry'
import { type CommandResult, runCommand } from './command.ts'
import { renewCode, restartWith } from './live/code.ts'
import { openHistory } from './live/history.ts'
import { installChangeHandlers } from './live/change-handlers.ts'
import { Logger } from './log/logger.ts'
import { type Loaded, type LoadOptions, loadWith, readConfigOf } from './load.ts'
import { adviceFor, enterNetwork, type PendingAccess, programOverlay } from './program-network.ts'

export type { Clock } from '@troupe/core'
export type { CommandResult } from './command.ts'
export type { Print, ServiceState, ServiceStatus } from '@troupe/process/kernel'
export { checkCertificates } from '@troupe/http/kernel'
export { keptAddress, type ReportedOverlay, runningOverlays } from '@troupe/network/kernel'
export { escapedLines } from './log/escape.ts'
export { redactedText } from './log/redact.ts'
export { userFrames } from './log/stack.ts'
export { kinds, type Loaded, load, type LoadOptions, type OwnOverlay } from './load.ts'

export interface LaunchOptions {
  /**
   * The network of the program that contains the application: one of the application's overlays, or `null` for the
   * clear network. It applies to all code in this thread, from this call until the thread ends. Functions and processes
   * that the program starts inherit an overlay, but not `null`: then they use the application's default, unless another
   * network is chosen for them.
   *
   * @default `network_service.default_network`, else the clear network
   */
  readonly network?: string | null
  /** Writes log lines. @default stderr */
  readonly onLog?: (line: string) => void
  /**
   * Whether log lines are text for people or JSON for programs, if `log.format` is not set.
   *
   * @default text if stderr is a terminal
   */
  readonly logFor?: 'people' | 'programs'
  /** The clock of supervision: delays, timeouts, thresholds. @default the system's clock */
  readonly clock?: Clock
  /** Where threads print. @default the program's standard output and error */
  readonly print?: Print
  /** The input of `process.stdin` in threads: returns the next bytes, or nothing at the end. @default an empty input */
  readonly input?: () => Promise<Uint8Array | undefined>
}

export interface BootOptions extends LoadOptions, LaunchOptions {}

/** The host of commands that name no host. */
const commandHost = entryId('troupe:commands')
const commandSettings: HostSettings = { isolation: 'thread', spares: 0, queueSize: 1024 }

/** Modules that every thread loads while it waits for work. */
const preload = [import.meta.resolve('troupe')]

interface Parts {
  readonly config: AppConfig
  readonly kernel: Kernel
  readonly supervisor: ServiceSupervisor
  readonly supervisors: RunningSupervisors
  readonly functions: Functions
  readonly servers: ServerServices
  readonly tokens: TokenStoreTable
  readonly report: RunningReport
}

/** A running application. */
export class Application implements AsyncDisposable {
  readonly config: AppConfig
  readonly registry: Registry
  readonly kernel: Kernel
  readonly #supervisor: ServiceSupervisor
  readonly #supervisors: RunningSupervisors
  readonly #functions: Functions
  readonly #servers: ServerServices
  readonly #tokens: TokenStoreTable
  readonly #report: RunningReport
  #stopping: Promise<void> | undefined

  /** Use {@link boot}. */
  constructor({ config, kernel, supervisor, supervisors, functions, servers, tokens, report }: Parts) {
    this.config = config
    this.registry = kernel.registry
    this.kernel = kernel
    this.#supervisor = supervisor
    this.#supervisors = supervisors
    this.#functions = functions
    this.#servers = servers
    this.#tokens = tokens
    this.#report = report
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

  /** Runs `fn` as the surrounding program, so that `processes`, `funcs` and `http` work in it. */
  run<T>(fn: () => T): T {
    return runInSlot(this.kernel.runtime.root.slot(), fn)
  }

  /** Stops services, dependents first, and then all threads. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    await this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    await this.registry.close()
    await this.#supervisor.stopAll()
    await this.#functions[Symbol.asyncDispose]()
    await this.kernel[Symbol.asyncDispose]()
    await this.#tokens[Symbol.asyncDispose]()
    // Connections that the surrounding program kept open lead into this application's overlays, and serve no other
    // application.
    await closeHttpPools(0)
    await this.#report[Symbol.asyncDispose]()
    await this.kernel.overlays[Symbol.asyncDispose]()
    setOutsideParticipant(undefined)
    setRuntime(undefined)
  }
}

/**
 * Reads an application, checks it, and starts its auto-started services.
 *
 * @example
 * ```ts
 * await using app = await boot({ root: 'examples/netdemo' })
 * await app.exec(entryId('app:probe'))
 * ```
 *
 * @throws TroupeError `Invalid` with all that is wrong in its files, `AlreadyExists` when one runs in this program.
 */
export async function boot(options: BootOptions): Promise<Application> {
  // Synchronous, so that the default applies from the first moment.
  const config = readConfigOf(options)
  const entered = enterNetwork(programOverlay(options.network, config.networkService.defaultNetwork), isRunning())
  try {
    return await start(await loadWith(config, options), options, entered)
  } catch (error) {
    entered?.fail(error)
    throw error
  }
}

/** Starts an application that was already read. Throws like {@link boot}. */
export async function launch(loaded: Loaded, options: LaunchOptions = {}): Promise<Application> {
  const entered = enterNetwork(programOverlay(options.network, loaded.config.networkService.defaultNetwork), isRunning())
  try {
    return await start(loaded, options, entered)
  } catch (error) {
    entered?.fail(error)
    throw error
  }
}

async function start(
  { config, registry, overlays: own, problems }: Loaded,
  options: LaunchOptions,
  entered: PendingAccess | undefined,
): Promise<Application> {
  const program = programOverlay(options.network, config.networkService.defaultNetwork)
  if (problems.length > 0) throw diagnosticsError(problems)
  if (isRunning()) throw new TroupeError('AlreadyExists', 'an application runs in this program already: stop it first')
  entered?.checkAlone()
  registry.open(await openHistory(config))
  const logger = loggerOf(config, registry, options)
  const log = logger.note
  const security = new Security({
    policies: compilePolicies(registry),
    strictMode: config.security.strictMode,
    variables: (name) => registry.env.namesOf(name),
    log,
  })
  const overlays = new OverlayTable(registry, {
    onHandOver: routesChanged,
    kinds: [...overlayKinds, ...own.map(({ kind }) => kind)],
    stateDir: config.networkService.stateDir,
    log,
  })
  for (const { driver } of own) await import(driver)
  if (program !== null) checkOverlay(registry, program)
  const kernel = new Kernel({
    registry,
    overlays,
    security,
    preload: [...own.map(({ driver }) => driver), ...preload],
    defaultOverlay: config.networkService.defaultNetwork,
    // If no other network was chosen, the program uses the default, as all other code does.
    programOverlay: program === (config.networkService.defaultNetwork ?? null) ? undefined : program,
    drainTimeout: config.networkService.drainTimeout,
    log,
    ...(options.print && { print: options.print }),
  })
  kernel.threads.native = config.networkService.native
  trustAddons(kernel.threads.native)
  setRuntime(kernel.runtime)
  setOutsideParticipant(kernel.runtime.root)
  const access = kernelNetworkAccess(kernel.runtime, false, adviceFor(options.network, program))
  provideNetworkAccess(access)
  entered?.provide(access)
  const supervision = { log, ...(options.clock && { clock: options.clock }) }
  const supervisors = new RunningSupervisors({ kernel, ...supervision })
  const servers = new ServerServices({ kernel, log })
  const supervisor = new ServiceSupervisor({
    graph: registry.graph(),
    services: [...servicesOf(kernel, supervisors), ...servers.services()],
    defaultOverlay: config.networkService.defaultNetwork,
    ...supervision,
  })
  const functions = new Functions({ kernel })
  const tokens = new TokenStoreTable({ kernel, root: config.root })
  answerConnections({ kernel, tokens })
  const overlayIds = () => registry.find({ kind: 'network.*' }).map(({ id }) => id)
  const report = new RunningReport(overlays, overlayIds, config.networkService.stateDir)
  const app = new Application({ config, kernel, supervisor, supervisors, functions, servers, tokens, report })
  kernel.handle('log', logger.line)
  kernel.handle('input', (_, { record }) => {
    kernel.authorizer.check(record, 'input.read', 'stdin')
    return options.input?.()
  })
  installChangeHandlers({ kernel, supervisor, supervisors, functions, servers, drainTimeout: config.networkService.drainTimeout })
  functions.warm()
  await supervisor.startAll()
  return app
}

/** @throws TroupeError `NotFound` */
function checkOverlay(registry: Registry, overlay: EntryId): void {
  if (registry.find({ kind: 'network.*' }).some(({ id }) => id === overlay)) return
  throw new TroupeError('NotFound', `network: there is no overlay ${overlay}`, { details: { overlay } })
}

function loggerOf(config: AppConfig, { env }: Registry, { onLog, logFor }: LaunchOptions): Logger {
  const isTerminal = process.stderr.isTTY
  return new Logger({
    config: config.log,
    root: config.root,
    secrets: () => env.secrets,
    write: onLog ?? ((line) => process.stderr.write(`${line}\n`)),
    forPeople: logFor === undefined ? onLog !== undefined || isTerminal : logFor === 'people',
    withTime: onLog === undefined && isTerminal,
  })
}

function isRunning(): boolean {
  try {
    currentRuntime()
    return true
  } catch {
    return false
  }
}
