/**
 * The runtime of one thread: its processes, its channels, its connection to the kernel. The main thread has one too, as
 * thread 0.
 */
import { emptyFrame, type EntryId, type Frame, errorToWire, invalid, type Pid, pid } from '@troupe/core'
import { bindThreadNetwork, type Route, type ThreadNetwork } from '@troupe/network'
import type { Channel } from '../channel/channel.ts'
import { firstEnvelope } from '../mailbox/message.ts'
import type { Signal } from '../protocol/signals.ts'
import type { RuntimeSettings } from '../protocol/thread-data.ts'
import type { SpawnRequest, WireExit } from '../protocol/programs.ts'
import type { StartProcess } from '../protocol/kernel-thread.ts'
import { Links } from './messaging/links.ts'
import { DeadLetterBatch } from '../mailbox/dead-letter-batch.ts'
import { PendingStarts } from './messaging/pending-starts.ts'
import { ProcessExit } from './process-exit.ts'
import { KernelClient } from './kernel-client.ts'
import { handleKernelMessage, type KernelMessageTargets } from './kernel-messages.ts'
import { RunningCalls } from './functions/running-calls.ts'
import { LocalProcess } from './process/local-process.ts'
import { type LocalSpawn, LocalSpawns } from './local-spawns.ts'
import { loadMethod } from './module.ts'
import { dispatchSignal, receiverOf } from './messaging/signals.ts'
import { nativeWork } from './native-work.ts'
import { Participant, setStrictMode } from './participant.ts'
import { PermissionCache } from './permission-cache.ts'
import { Peers } from './messaging/peers.ts'
import { MessageRouter } from './messaging/message-router.ts'
import { wordsOf } from './messaging/send-errors.ts'
import { RouteCache } from './network/route-cache.ts'
import { run } from './process/run-program.ts'
import type { ProcessServices } from './process/process-services.ts'

export class Runtime {
  readonly thread: number
  readonly kernel: KernelClient
  readonly router: MessageRouter
  readonly links: Links
  /** Permission for actions on processes in other threads. */
  readonly permissions = new PermissionCache(() => this.kernel)
  /** The calls of functions that run in this thread. */
  readonly calls = new RunningCalls()
  /** The program in this thread that is not a process: the main program, in thread 0. */
  readonly root: Participant
  /** The network that the kernel has assigned to this thread; absent before its first work. */
  network: ThreadNetwork | undefined
  readonly #processes = new Map<Pid, LocalProcess>()
  readonly #routes: RouteCache
  readonly #spawns: LocalSpawns | undefined
  readonly #pendingStarts: PendingStarts
  readonly #services: ProcessServices<LocalProcess> = {
    answer: (to, call, payload, transfer) => {
      this.router.answer(to, call, payload, transfer)
    },
    onOverflow: (process, envelope) => {
      this.router.overflowed(process.pid, envelope)
    },
    onFlow: (process, receiveWindow) => {
      this.router.reportFlow(process, receiveWindow)
    },
    onUnsent: (process, { to, topic }, error) => {
      this.#dead.add({ from: process.pid, to, topic, reason: wordsOf(error) })
    },
  }
  readonly #peers = new Peers({
    own: () => this.thread,
    connect: (thread, envelopes) => {
      this.kernel.notify({ type: 'connect', thread, ...(envelopes && { letters: envelopes }) })
      return this.kernel.posted()
    },
    onSignal: (signal, channel, frame) => {
      this.#receive(signal, channel, frame)
    },
    onBreach: (thread, why) => {
      this.kernel.notify({ type: 'breach', thread, why })
    },
    identify: (via, sender) => {
      this.kernel.notify({ type: 'sender', via, pid: sender })
    },
    authorize: (via, action, target) => {
      this.kernel.notify({ type: 'authorize', via, action, target })
    },
    onGone: (thread, channel, error) => {
      if (channel !== undefined) this.router.threadGone(channel, error)
      this.links.threadGone(thread, error)
    },
  })
  readonly #dead = new DeadLetterBatch((envelopes, dropped) => {
    this.kernel.notify({ type: 'deadLetters', letters: envelopes, dropped })
  })

  readonly #processExit: ProcessExit
  readonly #targets: KernelMessageTargets
  constructor(data: RuntimeSettings) {
    this.thread = data.thread
    this.network = data.network
    this.#routes = new RouteCache(data.routeEpoch, async (overlay, by) => this.kernel.request('route', { overlay }, by))
    setStrictMode(data.strict)
    this.root = new Participant(pid(data.thread, 0), emptyFrame, false)
    this.kernel = new KernelClient(
      data.port,
      (message) => {
        handleKernelMessage(message, this.#targets)
      },
      (by) => {
        this.#reportProcess(by)
      },
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
    const lookup = {
      thread: data.thread,
      process: (id: Pid) => this.#processes.get(id),
      channel: (thread: number) => this.#peers.channel(thread),
    }
    this.router = new MessageRouter({
      ...lookup,
      onDead: (envelope) => {
        this.#dead.add(envelope)
      },
      overlay: () => this.network?.overlay ?? null,
    })
    this.links = new Links({
      ...lookup,
      end: (process, error) => {
        this.finish(process, { error: errorToWire(error) })
      },
    })
    this.#processExit = new ProcessExit({
      peers: this.#peers,
      // The main thread continues when one of its processes ends.
      alone: data.shared === undefined && data.thread !== 0,
      onDead: (envelope) => {
        this.#dead.add(envelope)
      },
      onOut: (process, exit) => {
        if (process.localSpawn === undefined) this.kernel.notify({ type: 'exiting', pid: process.pid })
        this.links.processEnded(process, exit)
        this.#peers.flush()
      },
      nativeWork: () => (data.isWarmup === true ? undefined : nativeWork(this.kernel, this.#peers)),
      onOver: (process, exit) => {
        this.#dead.flush()
        if (process.localSpawn === undefined) this.kernel.notify({ type: 'finished', pid: process.pid, exit })
        else if ('error' in exit) this.kernel.failed(process.pid, process.program.entry, exit.error)
      },
    })
    this.#targets = {
      kernel: this.kernel,
      peers: this.#peers,
      calls: this.calls,
      permissions: this.permissions,
      spawns: this.#spawns,
      processes: this.#processes,
      bind: (network) => {
        this.network = network
        bindThreadNetwork(network)
      },
      start: (process) => {
        this.#start(process)
      },
      finish: (process, exit, hurry) => {
        this.finish(process, exit, hurry)
      },
      cancel: (target, reason) => {
        this.cancel(target, reason)
      },
      reportProcess: (id) => {
        this.#reportProcess(id)
      },
    }
  }

  /** The participants of this thread: its processes, and the calls that run in it. */
  get participants(): readonly Participant[] {
    return [...this.#processes.values(), ...this.calls.running]
  }

  /** The processes that live in this thread. */
  get processes(): ReadonlyMap<Pid, LocalProcess> {
    return this.#processes
  }

  /**
   * Ends a process that lives or lived here: only the first end counts. @param hurry Do not wait for its last messages.
   */
  finish(process: LocalProcess, exit: WireExit, hurry = false): void {
    if (process.ended) return
    const envelopes = process.close(exit)
    this.#processes.delete(process.pid)
    this.router.processEnded(process, envelopes)
    this.#spawns?.leave()
    this.#processExit.say(process, exit, hurry)
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
      this.#start(start, { by: by.pid, entry, inherit })
    })
    return admitted.pid
  }

  /**
   * Replaces the program of a process: its pid, mailbox, links and monitors stay. Settles only when this fails: then
   * the process continues as before.
   */
  async upgrade(process: LocalProcess, entry: EntryId, state: readonly unknown[]): Promise<never> {
    const { program, pin, accepts } = await this.kernel.request('program', { entry }, process.pid)
    if (pin !== undefined && pin !== this.network?.overlay) {
      throw invalid(`${process.pid} cannot become ${entry}, which is pinned to another network: start a new process`, { entry, pin })
    }
    await loadMethod(program)
    const { promise: never } = Promise.withResolvers<never>()
    if (process.ended) return never
    await this.kernel.request('upgrade', { entry }, process.pid)
    if (process.exit !== undefined) return never
    process.upgrade(program, accepts)
    this.#run(process, state)
    return never
  }

  /** Reports a process to the kernel that this thread started by itself. */
  #reportProcess(id: Pid): void {
    const process = this.#processes.get(id)
    if (process?.localSpawn === undefined) return
    const { localSpawn } = process
    process.localSpawn = undefined
    this.#reportProcess(localSpawn.by)
    this.kernel.notify({ type: 'processStarted', pid: id, ...localSpawn })
  }

  /** The current route of an overlay, for a dial that starts now. */
  route(overlay: EntryId, by: Pid): Promise<Route> {
    return this.#routes.get(overlay, by)
  }

  /** Drops routes that were replaced or withdrawn. */
  refreshRoutes(): void {
    this.#routes.refresh()
  }

  close(): void {
    this.#peers.close()
    this.#dead.flush()
    this.kernel.close()
  }

  cancel(target: Pid, reason: string): void {
    const process = this.#processes.get(target)
    if (process === undefined) this.calls.cancel(target, reason)
    else process.cancel(reason)
  }

  #start(start: StartProcess, localSpawn?: LocalSpawn): void {
    const { pid: id, program, frame, queueSize, accepts, idleTimeout } = start
    const process = new LocalProcess({ pid: id, program, frame, queueSize, accepts, idleTimeout, localSpawn, services: this.#services })
    process.watchers.push(...start.watchers)
    this.#processes.set(process.pid, process)
    for (const other of start.links) {
      process.addLink(other)
      this.links.linked(process.pid, other)
    }
    for (const message of start.messages) process.mailbox.put(firstEnvelope(message))
    this.#pendingStarts.started(id)
    this.#run(process, start.args)
  }

  #run(process: LocalProcess, args: readonly unknown[]): void {
    run(process, args, (exit) => {
      this.finish(process, exit)
    })
  }

  /** Handles a signal. One for a process whose start has not arrived yet waits for the start. */
  #receive(signal: Signal, channel: Channel, frame: Frame): void {
    const to = receiverOf(signal)
    const deliver = () => {
      dispatchSignal(signal, channel, frame, this)
    }
    if (to === undefined || this.#processes.has(to) || !this.#pendingStarts.hold(to, deliver)) deliver()
  }
}
