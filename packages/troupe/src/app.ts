/**
 * Boots an application, runs it, and stops it. For programs that contain one: the command line, tests, embedding.
 *
 * @module troupe/app
 */
import { type Calendar, runOutsideSlots } from '@troupe/core'
import { Functions } from '@troupe/functions/kernel'
import { answerConnections, permitHttpClient, ServerServices, TokenStoreTable } from '@troupe/http/kernel'
import { trustAddons } from '@troupe/network'
import { overlayKinds, OverlayTable, RunningReport } from '@troupe/network/kernel'
import { compilePolicies, Security } from '@troupe/policy/kernel'
import { joinProgram } from '@troupe/process'
import {
  Kernel,
  type Print,
  routesChanged,
  servicesOf,
  ServiceSupervisor,
  LaterMessages,
  RunningSupervisors,
} from '@troupe/process/kernel'
import { kernelRequests } from '@troupe/process/protocol'
import { Queues } from '@troupe/queue/kernel'
import { type AppConfig, diagnosticsError } from '@troupe/registry'
import { Application } from './application.ts'
import { countGarbageCollections, prepareTelemetry } from './observe/telemetry.ts'
import { openHistory } from './live/history.ts'
import { installChangeHandlers } from './live/change-handlers.ts'
import { followConfig } from './log/follow-config.ts'
import { loggerOf } from './log/logger-of.ts'
import { joinCluster } from './cluster/join-cluster.ts'
import { checkOptions } from './embed/given-options.ts'
import { type Loaded, type LoadOptions, loadWith, readConfigOf } from './load.ts'
import { noteApplication } from './running.ts'
import { adviceFor, checkOverlay, enterNetwork, type ProgramPlace, programOverlay } from './program-network.ts'

export type { Calendar, Clock } from '@troupe/core'
export { Application } from './application.ts'
export { runningApplication } from './running.ts'
export type { CommandResult } from './command.ts'
export type { ClusterEvent, ClusterState, ClusterView } from '@troupe/cluster/kernel'
export type { Print, ServiceState, ServiceStatus } from '@troupe/process/kernel'
export { checkCertificates, type ServerAddress } from '@troupe/http/kernel'
export type { OverlayStatus } from '@troupe/network'
export { isAlive, keptAddress, type ReportedOverlay, runningOverlays } from '@troupe/network/kernel'
export {
  type AttachFiles,
  attachFiles,
  type DashboardPlace,
  operatorAction,
  type OperatorAction,
} from './observe/attach-files.ts'
export type { DeadJob, ObservedQueue } from '@troupe/queue/kernel'
export type { ShownChange } from './observe/registry-diff.ts'
export type { Version as ShownVersion } from '@troupe/registry'
export type { FlowRecording, MessageRecording } from './observe/attach-recordings.ts'
export type {
  Observation,
  ObservedPolicy,
  ObservedPool,
  ObservedRequestPool,
  ObservedRoute,
  ObservedServer,
  ObservedService,
  ObserveOptions,
} from './observe/observation.ts'
export type { ObservedCluster } from './observe/observed-cluster.ts'
export type { ObservedOverlay } from './observe/overlays.ts'
export type { FollowedDecision, SkippedDecisions } from './observe/decision-stream.ts'
export { explanation, type PolicyQuestion, type VersionedExplanation } from './observe/explanation.ts'
export { escapedLines } from './log/escape.ts'
export type { LeastLevel } from './log/levels.ts'
export { redactedText } from './log/redact.ts'
export { userFrames } from './log/stack.ts'
export { kinds, type Loaded, load, type LoadOptions, type OwnOverlay } from './load.ts'

/** How an application runs. */
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
  /**
   * Whether code of the program outside of {@link Application.run} acts in this application. If several have it, such
   * code is refused. A library that starts an application for itself sets `false`.
   *
   * @default true
   */
  readonly ambient?: boolean
  /** Writes log lines. @default stderr */
  readonly onLog?: (line: string) => void
  /**
   * Whether log lines are text for people or JSON for programs, if `log.format` is not set.
   *
   * @default text if stderr is a terminal
   */
  readonly logFor?: 'people' | 'programs'
  /** The clock of supervision: delays, timeouts, thresholds. @default the system's clock */
  readonly clock?: Calendar
  /** Where threads print. @default the program's standard output and error */
  readonly print?: Print
  /**
   * Whether its user may look into it and steer it from another program, by a Unix socket in the state folder
   * (`troupe ps`, `troupe top`).
   *
   * @default false; `troupe run` sets it
   */
  readonly attach?: boolean
  /** Whether the section `dashboard` is served. @default true; `troupe run` with a command sets false */
  readonly dashboard?: boolean
  /** The input of `process.stdin` in threads: returns the next bytes, or nothing at the end. @default an empty input */
  readonly input?: () => Promise<Uint8Array | undefined>
}

/** Options of {@link boot}: where the application is read, and how it runs. */
export interface BootOptions extends LoadOptions, LaunchOptions {}

/** Modules that every thread loads while it waits for work. */
const preload = [new URL(`./index${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href]

/**
 * Reads an application, checks it, and starts its auto-started services. Settles when each of them runs, has failed
 * once, or has used up the time for which the start waits. A service that fails does not end the start: it is tried
 * again, and {@link Application.services} has its state.
 *
 * @example
 * ```ts
 * await using app = await boot({ root: 'examples/netdemo' })
 * console.log(app.services())
 * ```
 *
 * @throws TroupeError `NotFound` when the folder cannot be read. `Invalid` with all that is wrong in its files, and
 *   when the program's thread has another network already, or opened connections before it got one. `AlreadyExists`
 *   when another application runs in this program, and the program in an overlay of it; also in a thread of an
 *   application. `Unavailable` when the address of the metrics is in use.
 */
export async function boot(options: BootOptions): Promise<Application> {
  checkOptions(options, 'boot')
  // Synchronous, so that the default applies from the first moment.
  const config = readConfigOf(options)
  return startIn(async () => loadWith(config, options), options, config)
}

/**
 * Starts an application that was already read. Throws like {@link boot}.
 *
 * @example
 * ```ts
 * const loaded = await load({ root: '.' })
 * await using app = await launch(loaded)
 * ```
 */
export async function launch(loaded: Loaded, options: LaunchOptions = {}): Promise<Application> {
  return startIn(async () => loaded, options, loaded.config)
}

/** Not in the context of the caller, which may be code of another application. */
async function startIn(
  load: () => Promise<Loaded>,
  options: LaunchOptions,
  { networkService }: AppConfig,
): Promise<Application> {
  const place = enterNetwork(programOverlay(options.network, networkService.defaultNetwork))
  try {
    return await runOutsideSlots(async () => start(await load(), options, place))
  } catch (error) {
    place.fail(error)
    throw error
  }
}

async function start(
  { config, registry, overlays: own, problems, reread }: Loaded,
  options: LaunchOptions,
  place: ProgramPlace,
): Promise<Application> {
  const program = programOverlay(options.network, config.networkService.defaultNetwork)
  if (problems.length > 0) throw diagnosticsError(problems)
  place.checkAlone()
  await using unless = new AsyncDisposableStack()
  registry.open(await openHistory(config))
  unless.defer(async () => registry.close())
  const secrets = () => registry.env.secrets
  const history =
    options.dashboard === false || config.dashboard === undefined
      ? undefined
      : new (await import('./observe/dashboard/history.ts')).DashboardHistory(secrets)
  const logger = loggerOf(config, registry, { ...options, tail: history })
  const log = logger.note
  const security = new Security({
    policies: compilePolicies(registry),
    strictMode: config.security.strictMode,
    variables: (name) => registry.env.namesOf(name),
    log,
  })
  for (const { driver } of own) await import(driver)
  if (program !== null) checkOverlay(registry, program)
  const overlays = unless.use(
    new OverlayTable(registry, {
      onHandOver: routesChanged,
      kinds: [...overlayKinds, ...own.map(({ kind }) => kind)],
      stateDir: config.networkService.stateDir,
      log,
    }),
  )
  const kernel = unless.use(
    new Kernel({
      registry,
      overlays,
      security,
      preload: [...own.map(({ driver }) => driver), ...preload],
      defaultOverlay: config.networkService.defaultNetwork,
      // If no other network was chosen, the program uses the default, as all other code does.
      programOverlay: program === (config.networkService.defaultNetwork ?? null) ? undefined : program,
      drainTimeout: config.networkService.drainTimeout,
      keptBytes: config.deadLetters.payload,
      log,
      ...(options.print && { print: options.print }),
    }),
  )
  kernel.threads.native = config.networkService.native
  if (program !== null) trustAddons(kernel.threads.native)
  const leave = joinProgram(kernel.runtime, options.ambient)
  unless.defer(leave)
  place.provide(kernel.runtime, adviceFor(options.network, program))
  const gc = countGarbageCollections(kernel, config)
  if (gc !== undefined) unless.use(gc)
  await prepareTelemetry(kernel, config)
  const supervision = { log, ...(options.clock && { clock: options.clock }) }
  const later = new LaterMessages({ kernel, file: config.process.laterPath, ...supervision })
  const supervisors = new RunningSupervisors({ kernel, store: later.store, ...supervision })
  const servers = new ServerServices({ kernel, log })
  const functions = new Functions({ kernel })
  const queues = new Queues({
    ...{ kernel, functions, file: config.queue.path, maxBytes: config.queue.maxBytes },
    ...{ synchronous: config.queue.synchronous, isClustered: config.cluster !== undefined },
    ...supervision,
  })
  const supervisor = new ServiceSupervisor({
    graph: registry.graph(),
    services: [...servicesOf(kernel, supervisors), ...servers.services(), ...queues.services()],
    defaultOverlay: config.networkService.defaultNetwork,
    onChange: history?.changed,
    ...supervision,
  })
  permitHttpClient(kernel)
  const tokens = new TokenStoreTable({ kernel, root: config.root })
  answerConnections({ kernel, tokens })
  const overlayIds = () => registry.find({ kind: 'network.*' }).map(({ id }) => id)
  const report = new RunningReport(overlays, overlayIds, config.networkService.stateDir)
  const app = new Application({
    config,
    kernel,
    ...{ supervisor, supervisors, functions, servers, tokens, report, later, queues, logger },
    watch: followConfig(config, reread, logger),
    leave: () => {
      leave()
      place.leave()
      forget()
    },
  })
  const forget = noteApplication(app)
  // From here on the application ends its parts itself.
  unless.move()
  if (gc !== undefined) app.closeWith(gc)
  kernel.handle('log', kernelRequests.log, logger.line)
  kernel.handle('input', kernelRequests.input, (_, { record }) => {
    kernel.authorizer.check(record, 'input.read', 'stdin')
    return options.input?.()
  })
  const { drainTimeout } = config.networkService
  installChangeHandlers({ kernel, supervisor, supervisors, functions, servers, queues, drainTimeout })
  try {
    await app.serveMetrics()
    if (history !== undefined)
      app.closeWith(await (await import('./observe/dashboard/start-dashboard.ts')).startDashboard(app, history))
    if (options.attach === true) await app.allowAttach()
    functions.warm()
    app.cluster = await joinCluster({ config, kernel, supervisor })
    await queues.begin()
    await supervisor.startAll()
    await later.begin()
  } catch (error) {
    await app.stop()
    throw error
  }
  app.started()
  return app
}
