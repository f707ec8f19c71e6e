/**
 * The runtime of one thread: its processes, its channels, its connection to the kernel. The main thread has one too, as
 * thread 0.
 */
import { emptyFrame, type EntryId, errorToWire, fork, type Pid, pid } from '@troupe/core'
import { bindThreadNetwork, type ThreadNetwork } from '@troupe/network'
import type { RuntimeSettings } from '../protocol/thread-data.ts'
import type { SpawnRequest, WireExit } from '../protocol/programs.ts'
import type { ThreadMessage, ThreadMessages } from '../protocol/kernel-thread.ts'
import { deliverFromKernel } from './messaging/kernel-delivery.ts'
import { Links } from './messaging/links.ts'
import { DeadLetterBatch } from '../mailbox/dead-letter-batch.ts'
import { PendingStarts } from './messaging/pending-starts.ts'
import { ProcessExit } from './process-exit.ts'
import { KernelClient } from './kernel-client.ts'
import { KernelMessages } from './kernel-messages.ts'
import { RunningTasks } from './local-task.ts'
import type { LocalProcess } from './process/local-process.ts'
import { LocalProcesses } from './process/local-processes.ts'
import { LocalSpawns } from './local-spawns.ts'
import { SignalTable } from './messaging/signals.ts'
import { nativeWork } from './native-work.ts'
import { Participant, participantIn } from './participant.ts'
import { PermissionCache } from './permission-cache.ts'
import { peerReports } from './messaging/peer-reports.ts'
import { Peers } from './messaging/peers.ts'
import { MessageRouter } from './messaging/message-router.ts'
import { wordsOf } from './messaging/send-errors.ts'
import { RouteCache } from './network/route-cache.ts'
import { endOverrun, type OnOverrun } from './end-overrun.ts'

/** The runtime of a thread. */
export class Runtime {
  readonly thread: number
  /** See `RuntimeSettings.application`. */
  readonly application: number | undefined
  readonly kernel: KernelClient
  readonly router: MessageRouter
  readonly links: Links
  /** Permission for actions on processes in other threads. */
  readonly permissions = new PermissionCache(() => this.kernel)
  /** The tasks that run in this thread. */
  readonly tasks = new RunningTasks()
  /** The program in this thread that is not a process: the main program, in thread 0. */
  readonly root: Participant
  /** The network that the kernel has assigned to this thread; absent before its first work. */
  network: ThreadNetwork | undefined
  readonly routes: RouteCache
  readonly #spawns: LocalSpawns | undefined
  readonly #pendingStarts: PendingStarts
  /** It only warms up the thread, and nothing in it is counted. */
  readonly isWarmup: boolean
  /** `security.strict_mode`: policies govern all participants. */
  readonly isStrict: boolean
  readonly #local: LocalProcesses
  readonly #peers = new Peers({
    own: () => this.thread,
    ...peerReports(() => this.kernel),
    signals: () => this.#signals,
    onGone: (thread, channel, error) => {
      if (channel !== undefined) this.router.threadGone(channel, error)
      this.links.threadGone(thread, error)
    },
  })
  readonly #dead: DeadLetterBatch

  readonly #onOverrun: OnOverrun = (by, error) => {
    endOverrun(this.#local, this.tasks, by, error)
  }
  readonly #processExit: ProcessExit
  readonly #signals: SignalTable
  readonly #messages: KernelMessages
  readonly #onEntryChanged = new Set<(entry: EntryId) => void>()

  constructor(data: RuntimeSettings) {
    this.isWarmup = data.isWarmup === true
    this.isStrict = data.strict
    this.thread = data.thread
    this.application = data.application
    this.network = data.network
    // The thread's own network is the same for all its code, also for code that has lost its context.
    this.routes = new RouteCache(data.routeEpoch, async (overlay) =>
      this.kernel.request('route', { overlay }, (participantIn(this) ?? this.root).pid),
    )
    this.#dead = new DeadLetterBatch(data.keptBytes ?? 0, (letters, dropped) => {
      this.kernel.notify({ type: 'deadLetters', letters, dropped })
    })
    // A frame of its own in the kernel's thread, where other applications may run: what was decided for it is kept.
    const frame = data.thread === 0 ? fork(emptyFrame, {}) : emptyFrame
    this.root = new Participant(pid(data.thread, 0), frame, this, false)
    this.kernel = new KernelClient(
      data.port,
      (message) => {
        this.#messages.handle(message)
      },
      (by) => {
        this.#local.report(by)
      },
      this.#onOverrun,
      data.credit,
    )
    this.#pendingStarts = new PendingStarts(data.shared !== undefined)
    this.#spawns =
      data.shared &&
      new LocalSpawns({
        thread: data.thread,
        shared: data.shared,
        program: async (entry, by) => this.kernel.request('program', { entry }, by),
      })
    const all = new Map<Pid, LocalProcess>()
    const lookup = { thread: data.thread, process: all.get.bind(all), channel: this.#peers.channel }
    this.router = new MessageRouter({
      ...lookup,
      onDead: (envelope) => {
        this.#dead.add(envelope)
      },
      overlay: () => this.network?.overlay ?? null,
      onOverrun: this.#onOverrun,
    })
    this.#local = new LocalProcesses(all, {
      runtime: this,
      isWarmup: () => this.isWarmup,
      kernel: () => this.kernel,
      services: {
        answer: (to, call, payload, transfer) => {
          this.router.answer(to, call, payload, transfer)
        },
        onRefused: (to, message, error) => {
          this.router.refused(to, message, error)
        },
        onOverflow: (process, envelope) => {
          this.router.overflowed(process.pid, envelope)
        },
        onFlow: this.router.inbound.reportFlow,
        onUnsent: (process, { to, topic }, error) => {
          this.#dead.add({ from: process.pid, to, topic, reason: wordsOf(error) })
        },
      },
      onStart: (process, links) => {
        for (const other of links) {
          process.addLink(other)
          this.links.linked(process.pid, other)
        }
        this.#pendingStarts.started(process.pid)
      },
      onEnd: (process, untaken, exit, hurry) => {
        this.router.processEnded(process, untaken)
        this.#spawns?.leave()
        this.#processExit.say(process, exit, hurry)
      },
    })
    this.links = new Links({
      ...lookup,
      end: (process, error) => {
        this.finish(process, { error: errorToWire(error) })
      },
    })
    this.#signals = new SignalTable({
      router: this.router,
      links: this.links,
      isHere: all.has.bind(all),
      pendingStarts: this.#pendingStarts,
    })
    this.#processExit = new ProcessExit({
      peers: this.#peers,
      // The main thread continues when one of its processes ends.
      alone: data.shared === undefined && data.thread !== 0,
      onDead: (envelope) => {
        this.#dead.add(envelope)
      },
      onFailed: ({ pid, program }, error) => {
        this.kernel.failed(pid, program.entry, error)
      },
      onOut: (process, exit) => {
        if (process.localSpawn === undefined) this.kernel.notify({ type: 'exiting', pid: process.pid })
        this.links.processEnded(process, exit)
        this.#peers.flush()
      },
      nativeWork: () => (this.isWarmup ? undefined : nativeWork(this.kernel, this.#peers)),
      onOver: (process, exit) => {
        this.#dead.flush()
        if (process.localSpawn === undefined) this.kernel.notify({ type: 'finished', pid: process.pid, exit })
      },
    })
    this.#messages = new KernelMessages({
      application: this.application,
      runtime: this,
      kernel: this.kernel,
      peers: this.#peers,
      permissions: this.permissions,
      processes: this.#local.all,
      bind: (network) => {
        this.network = network
        bindThreadNetwork(network)
      },
      start: (process) => {
        this.#local.start(process)
      },
      finish: (process, exit, hurry) => {
        this.finish(process, exit, hurry)
      },
      cancel: (target, reason) => {
        this.cancel(target, reason)
      },
      deliver: ({ number, message }) => {
        deliverFromKernel(message, lookup.process, (outcome) => {
          this.kernel.notify({ type: 'delivered', number, outcome })
        })
      },
      reportProcess: (id) => {
        this.#local.report(id)
      },
      entryChanged: (entry) => {
        this.#spawns?.forget(entry)
        for (const forget of this.#onEntryChanged) forget(entry)
      },
    })
  }

  /** Adds a message of the kernel, for a package above this one. */
  handle<Type extends keyof ThreadMessages>(type: Type, handler: (message: ThreadMessage<Type>) => void): void {
    this.#messages.add(type, handler)
  }

  /** Calls `listener` when the code or the fields of an entry have changed, for as long as the thread runs. */
  onEntryChanged(listener: (entry: EntryId) => void): void {
    this.#onEntryChanged.add(listener)
  }

  /** The participants of this thread: its processes, and the tasks that run in it. */
  get participants(): readonly Participant[] {
    return [...this.#local.all.values(), ...this.tasks.running]
  }

  /** The processes that live in this thread. */
  get processes(): ReadonlyMap<Pid, LocalProcess> {
    return this.#local.all
  }

  /**
   * Ends a process that lives or lived here: only the first end counts. @param hurry Do not wait for its last messages.
   */
  finish(process: LocalProcess, exit: WireExit, hurry = false): void {
    this.#local.finish(process, exit, hurry)
  }

  /**
   * Starts a child in this thread, if this is allowed without the kernel; returns `undefined` when the kernel has to
   * start it.
   */
  spawnHere(by: Participant, ask: SpawnRequest): Pid | undefined {
    const admitted = this.#spawns?.admit(by, ask)
    if (admitted === undefined || this.#spawns === undefined) return undefined
    const { entry, inherit } = ask
    const start = this.#spawns.startOf(admitted, by, ask)
    queueMicrotask(() => {
      this.#local.start(start, { by: by.pid, entry, inherit })
    })
    return admitted.pid
  }

  /**
   * Replaces the program of a process: its pid, mailbox, links and monitors stay. Settles only when this fails: then
   * the process continues as before.
   */
  async upgrade(process: LocalProcess, entry: EntryId, state: readonly unknown[]): Promise<never> {
    return this.#local.upgrade(process, entry, state, this.network?.overlay)
  }

  close(): void {
    this.#peers.close()
    this.#dead.flush()
    this.kernel.close()
  }

  cancel(target: Pid, reason: string): void {
    const process = this.#local.get(target)
    if (process === undefined) this.tasks.cancel(target, reason)
    else process.cancel(reason)
  }
}
