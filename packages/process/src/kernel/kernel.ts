/** The kernel: it knows who is alive, issues frames and routes, starts and ends processes. It never carries their bytes. */
import {
  asTroupeError,
  emptyFrame,
  type EntryId,
  errorToWire,
  fork,
  invalid,
  keepAlive,
  type Log,
  type Pid,
  threadOf,
  TroupeError,
} from '@troupe/core'
import { AddressLeases, type Overlays } from '@troupe/network/kernel'
import { type Policies, Security } from '@troupe/policy/kernel'
import type { Registry } from '@troupe/registry'
import { DeadLetters } from '../mailbox/dead-letters.ts'
import type { KnownProgram, Request, RequestName, Requests, ToKernel, WireExit } from '../protocol.ts'
import { routesChanged } from '../route-word.ts'
import { Runtime } from '../thread/runtime.ts'
import { Authority } from './authority.ts'
import { Bindings } from './bindings.ts'
import { Births } from './births.ts'
import { Calls } from './calls.ts'
import { Code } from './code.ts'
import { Dials } from './dials.ts'
import { Drains } from './drains.ts'
import { Failures } from './failures.ts'
import { Frames } from './frames.ts'
import { Grants } from './grants.ts'
import { Programs } from './programs.ts'
import { Hosts } from './hosts.ts'
import { type Asker, builtInHandlers, grantedRoute, type Handlers, permitClear } from './requests.ts'
import { checkSealedAsker } from './sealed-askers.ts'
import { ProcessTable } from './process-table.ts'
import type { Print } from './standard-streams.ts'
import type { SpawnOrder } from './spawn-order.ts'
import { Standings } from './standings.ts'
import type { Thread } from './thread.ts'
import { Threads } from './threads.ts'

export interface KernelOptions {
  readonly registry: Registry
  readonly overlays: Overlays
  /** Who may do what. @default nobody is denied anything */
  readonly security?: Security
  /** Modules that threads import before there is work for them. */
  readonly preload: readonly string[]
  readonly log: Log
  /** Where threads print. @default the program's standard streams */
  readonly print?: Print
}

export class Kernel implements AsyncDisposable {
  readonly registry: Registry
  readonly overlays: Overlays
  readonly security: Security
  readonly threads: Threads
  readonly authority: Authority
  readonly standings = new Standings({
    governs: (frame) => this.security.governs(frame),
    onChange: (thread, standing) => {
      this.threads.standingChanged(thread, standing)
    },
  })
  readonly processes = new ProcessTable(
    (record) => {
      this.standings.placed(record)
    },
    (pid) => {
      this.bindings.processEnded(pid)
    },
  )
  /** Versions of modules. */
  readonly code = new Code()
  readonly grants = new Grants()
  readonly calls = new Calls({ processes: this.processes, grants: this.grants })
  readonly frames: Frames
  readonly hosts: Hosts
  readonly births: Births
  /** Overlays that are out of service and still carry something. */
  readonly drains: Drains
  /** Where processes accept connections of overlays. */
  readonly bindings = new Bindings()
  /** What is opened for threads of sealed hosts. */
  readonly dials = new Dials({
    route: async (overlay, asker) => grantedRoute(this, overlay, asker),
    permitClear: (asker, action, resource, port) => {
      permitClear(this, asker, { action, resource, port })
    },
  })
  /** Which thread gives out which addresses that stand for names. */
  readonly addresses = new AddressLeases()
  readonly deadLetters: DeadLetters
  /** The main thread, and its runtime. */
  readonly thread: Thread
  readonly runtime: Runtime
  readonly #handlers: Handlers
  readonly #log: Log
  /** Logs processes and calls that fail. */
  readonly failures: Failures
  readonly #programs: Programs
  readonly #keepAlive = keepAlive()

  constructor(options: KernelOptions) {
    this.#log = options.log
    this.failures = new Failures({ processes: this.processes, log: options.log })
    this.registry = options.registry
    this.#programs = new Programs(options.registry, this.code)
    this.overlays = options.overlays
    this.security = options.security ?? new Security({ policies: new Map(), strictMode: false, log: options.log })
    const { overlays } = options
    this.authority = new Authority(this.security)
    this.frames = new Frames({
      overlays,
      grants: this.grants,
      security: this.security,
      defaultOverlay: () => this.threads.defaultOverlay,
    })
    this.grants.onOpened = (thread) => {
      this.standings.opened(thread)
    }
    this.deadLetters = new DeadLetters({ log: options.log })
    this.threads = new Threads({
      print: options.print,
      preload: options.preload,
      strict: this.security.strictMode,
      standing: (thread) => this.standings.of(thread),
      onMessage: (thread, message) => {
        this.#receive(thread, message)
      },
      onExit: (thread, error) => {
        this.#onThreadExit(thread, error)
      },
    })
    this.hosts = new Hosts({
      registry: options.registry,
      threads: this.threads,
      log: options.log,
      moduleOf: (entry) => this.program(entry).program.module,
    })
    this.drains = new Drains(this.threads)
    this.births = new Births({
      processes: this.processes,
      threads: this.threads,
      hosts: this.hosts,
      frames: this.frames,
      governed: (thread) => this.standings.of(thread).governed,
    })
    const { thread, data } = this.threads.adoptOwn()
    this.thread = thread
    this.runtime = new Runtime(data)
    // The program around the application holds the kernel itself: nothing that policies say could bind it.
    const frame = fork(emptyFrame, {})
    this.security.trust(frame)
    this.processes.add({ pid: this.runtime.root.pid, entry: undefined, frame, host: undefined, onExit: undefined })
    thread.pids.add(this.runtime.root.pid)
    this.#handlers = builtInHandlers(this)
  }

  /** Answers requests of a name; for packages above this one. */
  handle<Name extends RequestName>(name: Name, handler: Handlers[Name]): void {
    this.#handlers[name] = handler
  }

  /** What to run for a process entry, and the overlay that it is pinned to. */
  program(id: EntryId): KnownProgram {
    return this.#programs.of(id)
  }

  /** Starts a process in its frame. */
  spawn(order: SpawnOrder): Pid {
    const program = order.program ?? this.program(order.entry).program
    const host = this.hosts.get(order.host)
    if (order.name !== undefined) this.processes.checkFree(order.name)
    const place = host.place()
    const { pid, thread } = place
    const { frame } = order
    this.processes.add({ pid, entry: order.entry, frame, host, onExit: order.onExit })
    thread.pids.add(pid)
    if (order.name !== undefined) this.processes.register(order.name, pid)
    this.grants.grantFrame(thread.number, frame)
    place.start({
      program,
      args: order.args,
      frame,
      watchers: order.monitor === undefined ? [] : [order.monitor],
      links: order.link === undefined ? [] : [order.link],
      messages: order.messages ?? [],
    })
    // After the start: the process need not wait for a channel that it may not need at once.
    if (order.from !== undefined && order.from !== thread) this.threads.connect(order.from, thread.number)
    return pid
  }

  /** Ends a process at once. */
  async terminate(pid: Pid, error = new TroupeError('Canceled', 'it was terminated')): Promise<void> {
    const record = await this.births.find(pid)
    if (record.host === undefined) throw invalid(`${pid} is no process that can be terminated`, { pid })
    await record.host.kill(pid, error)
  }

  /** Asks a process to stop. */
  async cancel(pid: Pid, reason: string): Promise<void> {
    await this.births.find(pid)
    this.threads.get(threadOf(pid))?.post({ type: 'cancel', pid, reason })
  }

  /** An entry's fields or code changed: threads ask anew, and upgradable processes that run it are told. */
  entryChanged(entry: EntryId, sources: readonly string[]): void {
    this.threads.broadcast({ type: 'entryChanged', entry })
    if (sources.length > 0) this.threads.broadcast({ type: 'outdated', entry, sources })
  }

  /** Sets the overlay that applies where nothing was chosen. */
  setDefaultOverlay(overlay: EntryId | undefined): void {
    this.threads.defaultOverlay = overlay
    this.threads.broadcast({ type: 'defaultOverlay', overlay })
  }

  /** An overlay was replaced or removed: from now on every dial asks for its route anew, and servers listen on it anew. */
  overlayMoved(overlay: EntryId): void {
    routesChanged()
    this.threads.broadcast({ type: 'overlayMoved', overlay })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hosts[Symbol.asyncDispose]()
    await this.bindings[Symbol.asyncDispose]()
    this.drains[Symbol.dispose]()
    this.threads[Symbol.dispose]()
    this.runtime.close()
    this.deadLetters[Symbol.dispose]()
    this.failures[Symbol.dispose]()
    this.#keepAlive.stop()
  }

  /** Puts other policies in force, at once and everywhere. */
  replacePolicies(policies: Policies): void {
    this.security.replace(policies)
    this.standings.forgetPermits()
    this.threads.broadcast({ type: 'policiesChanged' })
  }

  /** Malformed messages come from code that reached for the port: they are logged and ignored. */
  #receive(thread: Thread, message: ToKernel): void {
    try {
      this.#onMessage(thread, message)
    } catch (error) {
      this.#log(`thread ${thread.number} sent an invalid message: ${asTroupeError(error).message}`, { level: 'warn' })
    }
  }

  #onMessage(thread: Thread, message: ToKernel): void {
    switch (message.type) {
      case 'request':
        void this.#answer(thread, message)
        return
      case 'finished':
        this.#ended(message.pid, message.exit, thread)
        return
      case 'failed':
        this.failures.told(message, thread.number)
        return
      case 'born':
        this.births.onBorn(message, thread)
        return
      case 'unborn':
        this.births.onUnborn(message.pid)
        return
      case 'upgraded':
        this.processes.upgraded(message.pid, message.entry, thread.number)
        return
      case 'connect':
        this.threads.connect(thread, message.thread)
        return
      case 'claim':
        // A process in an overlay of its own keeps it: no message brings another into a thread that has none but such.
        if (this.standings.isOpen(thread.number)) this.grants.claim(thread.number, message.overlay, message.via)
        return
      case 'vouch': {
        const { via, action, target } = message
        thread.post({ type: 'vouched', via, action, target, may: this.standings.may(via, action, target) })
        return
      }
      case 'streams':
        this.drains.told(thread, message.overlay, message.oldest)
        return
      case 'output':
        this.threads.print(thread, message)
        return
      case 'deadLetters':
        for (const letter of message.letters) this.deadLetters.add(letter)
        this.deadLetters.addUncounted(message.dropped)
        return
      default:
    }
  }

  async #answer(thread: Thread, request: Request): Promise<void> {
    const { number } = request
    try {
      const record = this.processes.claimant(request.by, thread.number)
      if (thread.sealed) checkSealedAsker(this, request, record)
      const transfer: object[] = []
      const value = await this.#dispatch(request.name, request.ask, { record, thread, number, transfer })
      // What a function answered was copied on its way from the thread that ran it.
      if (request.name === 'call') thread.hand({ type: 'answer', number, value })
      else if (transfer.length > 0) thread.transfer({ type: 'answer', number, value }, transfer)
      else thread.post({ type: 'answer', number, value })
    } catch (error) {
      thread.post({ type: 'refusal', number, error: errorToWire(error) })
    }
  }

  #dispatch<Name extends RequestName>(name: Name, ask: Requests[Name]['ask'], asker: Asker) {
    const handler = this.#handlers[name]
    if (handler === undefined) throw invalid(`this application does not answer "${name}"`)
    return handler(ask, asker)
  }

  #ended(pid: Pid, exit: WireExit, thread: Thread): void {
    if (!thread.pids.delete(pid)) return
    const record = this.processes.remove(pid)
    if (record !== undefined && 'error' in exit) this.failures.ended(record, exit.error, thread)
    this.standings.ended(pid)
    record?.host?.processEnded(pid)
    record?.onExit?.(exit)
  }

  #onThreadExit(thread: Thread, error: TroupeError): void {
    this.grants.threadGone(thread.number)
    this.drains.threadGone(thread.number)
    this.dials.threadGone(thread.number)
    this.addresses.release(thread.number)
    this.births.threadGone(thread)
    this.standings.threadGone(thread.number)
    this.hosts.threadGone(thread)
    for (const pid of [...thread.pids]) this.#ended(pid, { error: errorToWire(error) }, thread)
  }
}
