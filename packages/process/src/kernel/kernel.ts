/**
 * The kernel. It records which processes are alive, issues frames and routes, and starts and ends processes. It never
 * carries their bytes.
 */
import {
  asTroupeError,
  emptyFrame,
  type EntryId,
  fork,
  invalid,
  keepAlive,
  type Log,
  type LogNote,
  type Pid,
  threadOf,
  TroupeError,
} from '@troupe/core'
import { AddressLeases, type OverlayTable } from '@troupe/network/kernel'
import { type Policies, Security } from '@troupe/policy/kernel'
import type { Registry } from '@troupe/registry'
import { DeadLetters } from '../mailbox/dead-letters.ts'
import type { KnownProgram } from '../protocol/programs.ts'
import type { RequestName, RequestRule } from '../protocol/requests.ts'
import type { ToKernel } from '../protocol/kernel-thread.ts'
import { routesChanged } from '../shared-memory/route-epoch.ts'
import { joinTelemetry } from '../telemetry/telemetry.ts'
import { Runtime } from '../thread/runtime.ts'
import { Authorizer } from './authorization/authorizer.ts'
import { Bindings } from './network/bindings.ts'
import { Deliveries } from './deliveries.ts'
import { ProcessDiscovery } from './process-discovery.ts'
import { Tasks } from './tasks.ts'
import { Code } from './code.ts'
import { KernelDials } from './network/kernel-dials.ts'
import { ConnectionDrains } from './network/connection-drains.ts'
import { FailureLog } from './failure-log.ts'
import { FrameIssuer } from './authorization/frame-issuer.ts'
import { OverlayGrants } from './authorization/overlay-grants.ts'
import { clearNetwork, type Network, Networks } from './network/networks.ts'
import { ThreadMessageTable } from './thread-messages.ts'
import { threadEnded } from './ends.ts'
import { ProcessStarter } from './process-starter.ts'
import { defaultNetwork, programNetwork } from './network/default-networks.ts'
import { EndedThreads } from './observation/ended-threads.ts'
import { ProcessorTime } from './observation/processor-time.ts'
import { Inspector } from './observation/inspector.ts'
import { ServiceNames } from './service-names.ts'
import { Programs } from './programs.ts'
import { HostTable } from '../host/host-table.ts'
import { endForBreach } from './protocol-breach.ts'
import { RequestDispatcher } from './request-dispatcher.ts'
import type { KernelOptions } from './kernel-options.ts'
import type { KernelParts } from './kernel-parts.ts'
import type { Handler } from './request-handler.ts'
import { grantedRoute, permitClear } from './network/route-grants.ts'
import { ownHandlers } from './requests.ts'
import { ProcessTable } from './process-table.ts'
import type { SpawnOrder } from './spawn-order.ts'
import { SenderFrames } from './authorization/sender-frames.ts'
import { ThreadPrivileges } from './authorization/thread-privileges.ts'
import type { Thread } from '../worker-threads/thread.ts'
import { ThreadTable } from '../worker-threads/thread-table.ts'

export class Kernel implements KernelParts, AsyncDisposable {
  readonly registry: Registry
  readonly overlays: OverlayTable
  readonly security: Security
  readonly threads: ThreadTable
  readonly authorizer: Authorizer
  readonly privileges = new ThreadPrivileges({
    governs: (frame) => this.security.governs(frame),
    onChange: (thread, privileges) => {
      this.threads.privilegesChanged(thread, privileges)
    },
  })
  readonly processes = new ProcessTable(
    (record) => {
      this.privileges.placed(record)
    },
    (pid) => {
      this.bindings.processEnded(pid)
    },
    (thread) => {
      this.threads.get(thread)?.takeNow()
    },
  )
  /** The actors of the processes that send messages. */
  readonly senders = new SenderFrames(this.processes)
  /** Versions of modules. */
  readonly code = new Code()
  readonly grants = new OverlayGrants()
  /** The networks to which threads are bound. */
  readonly networks: Networks
  readonly drainTimeout: number
  /** Called when networks are no longer current, for components other than hosts that keep threads by network. */
  readonly onNetworksChanged = new Set<(isCurrent: (network: Network) => boolean) => void>()
  readonly tasks = new Tasks({ processes: this.processes, grants: this.grants })
  readonly frames: FrameIssuer
  readonly hosts: HostTable
  readonly discovery: ProcessDiscovery
  /** Overlays that are out of service and still carry connections. */
  readonly drains: ConnectionDrains
  /** Names of services that run several processes. */
  readonly serviceNames = new ServiceNames()
  /** The overlay addresses at which processes accept connections. */
  readonly bindings = new Bindings()
  /** Opens connections for threads of sealed hosts. */
  readonly dials = new KernelDials({
    route: async (overlay, requester) => grantedRoute(this, overlay, requester),
    permitClear: (requester, action, resource, port) => {
      permitClear(this, requester, { action, resource, port })
    },
  })
  /** Which thread assigns which addresses that stand for names. */
  readonly addresses = new AddressLeases()
  readonly inspector = new Inspector()
  readonly endedThreads = new EndedThreads()
  readonly processorTime = new ProcessorTime()
  readonly deadLetters: DeadLetters
  readonly deliveries = new Deliveries(this)
  /** The main thread, and its runtime. */
  readonly thread: Thread
  readonly runtime: Runtime
  /** The two kinds of messages of threads: those that expect a result, and the others. */
  readonly #requests = new RequestDispatcher(this)
  readonly #messages = new ThreadMessageTable(this)
  readonly #log: Log
  /** Logs processes and calls that fail. */
  readonly failures: FailureLog
  readonly #programs: Programs
  readonly #starter = new ProcessStarter(this)
  readonly #keepAlive = keepAlive()
  readonly #leaveTelemetry = joinTelemetry()

  constructor(options: KernelOptions) {
    this.#log = options.log
    this.failures = new FailureLog({ processes: this.processes, log: options.log })
    this.registry = options.registry
    this.#programs = new Programs(options.registry, this.code)
    this.overlays = options.overlays
    this.security = options.security ?? new Security({ policies: new Map(), strictMode: false, log: options.log })
    const { overlays } = options
    this.authorizer = new Authorizer(this.security, this.processes)
    this.drainTimeout = options.drainTimeout ?? 30_000
    this.frames = new FrameIssuer({ overlays, grants: this.grants, security: this.security })
    this.networks = new Networks({ overlays, defaultOverlay: () => this.threads.defaultOverlay })
    this.deadLetters = new DeadLetters({ log: options.log, keptBytes: options.keptBytes ?? 0 })
    this.threads = new ThreadTable({
      print: options.print,
      log: options.log,
      preload: options.preload,
      strict: this.security.strictMode,
      keptBytes: options.keptBytes ?? 0,
      privileges: (thread) => this.privileges.of(thread),
      faultIn: this.#requests.faultIn,
      onMessage: (thread, message) => {
        this.#receive(thread, message)
      },
      onBreach: (thread, why) => {
        endForBreach(this, thread, why)
      },
      lastLook: async (thread) => this.inspector.refresh(thread),
      onExit: (thread, error) => {
        threadEnded(this, thread, error)
      },
    })
    this.hosts = new HostTable({
      registry: options.registry,
      threads: this.threads,
      log: options.log,
      moduleOf: (entry) => this.program(entry).program.module,
      defaultNetwork: () => defaultNetwork(this),
      drainTimeout: this.drainTimeout,
    })
    this.drains = new ConnectionDrains(this.threads)
    this.discovery = new ProcessDiscovery({
      processes: this.processes,
      threads: this.threads,
      hosts: this.hosts,
      frames: this.frames,
      policyEnforced: (thread) => this.privileges.of(thread).policyEnforced,
      governs: (record) => this.authorizer.governs(record),
    })
    this.threads.defaultOverlay = options.defaultOverlay
    const { thread, data } = this.threads.adoptOwn(
      (options.programOverlay === undefined ? options.defaultOverlay : options.programOverlay) ?? null,
      overlays.application,
    )
    this.thread = thread
    // The network of code that chooses none. If its overlay isolates callers, it is the network without a caller's key.
    thread.findNetwork = () => (options.programOverlay === null ? clearNetwork : programNetwork(this))
    this.runtime = new Runtime(data)
    this.#addProgram(options.programOverlay)
    this.#requests.addOwn(ownHandlers(this))
  }

  /** Writes a line to the application's log. */
  readonly note = (line: string, about?: LogNote): void => {
    this.#log(line, about)
  }

  /**
   * Registers the handler of one kind of request, for packages above this one. @param rule - Who may send it, and what
   * it contains.
   */
  handle<Name extends RequestName>(name: Name, rule: RequestRule<Name>, handler: Handler<Name>): void {
    this.#requests.add(name, rule, handler)
  }

  /** The requests that have a handler. */
  get handled(): readonly string[] {
    return this.#requests.handled
  }

  /** The program of a process entry, and the overlay to which it is pinned. */
  program(id: EntryId): KnownProgram {
    return this.#programs.of(id)
  }

  /** Starts a process in its frame. */
  spawn(order: SpawnOrder): Pid {
    return this.#starter.start(order)
  }

  /** Ends a process at once. */
  async terminate(pid: Pid, error = new TroupeError('Canceled', 'it was terminated')): Promise<void> {
    const record = await this.discovery.find(pid)
    if (record.host === undefined) throw invalid(`${pid} is not a process that can be terminated`, { pid })
    await record.host.kill(pid, error)
  }

  /** Asks a process to stop. */
  async cancel(pid: Pid, reason: string): Promise<void> {
    await this.discovery.find(pid)
    this.threads.get(threadOf(pid))?.post({ type: 'cancel', pid, reason })
  }

  /** An entry's fields or code changed: threads ask again, and upgradable processes that run it are notified. */
  entryChanged(entry: EntryId, sources: readonly string[]): void {
    this.threads.broadcast({ type: 'entryChanged', entry })
    if (sources.length > 0) this.threads.broadcast({ type: 'outdated', entry, sources })
  }

  /** Threads of networks whose overlays were removed, or now lead to another network, get no more work. */
  retireNetworks(): void {
    const isCurrent = (network: Network) => this.networks.isCurrent(network)
    this.hosts.retireNetworks(isCurrent)
    for (const retire of this.onNetworksChanged) retire(isCurrent)
  }

  /**
   * An overlay was replaced or removed: from now on every dial requests its route again, and servers listen on it
   * again.
   */
  overlayMoved(overlay: EntryId): void {
    routesChanged()
    this.threads.broadcast({ type: 'overlayMoved', overlay })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hosts[Symbol.asyncDispose]()
    await this.bindings[Symbol.asyncDispose]()
    await this.#leaveTelemetry()
    this.drains[Symbol.dispose]()
    this.inspector[Symbol.dispose]()
    this.threads[Symbol.dispose]()
    this.runtime.close()
    this.deadLetters[Symbol.dispose]()
    this.failures[Symbol.dispose]()
    this.#keepAlive.stop()
  }

  /** Puts other policies in force, at once and in every thread. */
  replacePolicies(policies: Policies): void {
    this.security.replace(policies)
    this.privileges.forgetPermissions()
    this.threads.broadcast({ type: 'policiesChanged' })
  }

  /**
   * The program around the application contains the kernel itself, so policies could not bind it. If it is in the clear
   * network, this applies only to the program: what it starts follows the default, as everything else does.
   */
  #addProgram(overlay: EntryId | null | undefined): void {
    const { pid } = this.runtime.root
    const frame = fork(emptyFrame, { overlay: overlay ?? undefined })
    this.security.trust(frame)
    this.processes.add({ pid, entry: undefined, frame, host: undefined, onExit: undefined, role: 'program' })
    this.thread.pids.add(pid)
  }

  #receive(thread: Thread, message: ToKernel): void {
    try {
      if (message.type === 'request') void this.#requests.answer(thread, message)
      else this.#messages.handle(thread, message)
    } catch (error) {
      endForBreach(this, thread, asTroupeError(error).message)
    }
  }
}
