/** The runtime of one thread: its processes, its channels, its link to the kernel. The main thread has one too, as thread 0. */
import { emptyFrame, type EntryId, errorToWire, fork, type Frame, type Pid, pid, runInSlot } from '@troupe/core'
import type { Route } from '@troupe/network'
import type { Channel } from '../mailbox/channel.ts'
import type { Letter } from '../mailbox/letter.ts'
import { snapshot } from '../mailbox/payload.ts'
import type { Parcel, SpawnRequest, StartProcess, ThreadData, ToThread, WireExit } from '../protocol.ts'
import { Bonds } from './bonds.ts'
import { DeadReport } from './dead-report.ts'
import { Expected } from './expected.ts'
import { KernelLink } from './kernel-link.ts'
import { LocalCalls } from './local-calls.ts'
import { LocalProcess, type Surroundings } from './local-process.ts'
import { type Birth, LocalSpawns } from './local-spawns.ts'
import { loadedMethod, loadMethod } from './module.ts'
import type { Held } from './outbox.ts'
import { Participant } from './participant.ts'
import { Peers } from './peers.ts'
import { PostOffice, wordsOf } from './post-office.ts'

/** Milliseconds for what a process has sent to be on its way, once its program is over. */
const leaveTime = 1000

export class Runtime {
  readonly thread: number
  readonly kernel: KernelLink
  readonly post: PostOffice
  readonly bonds: Bonds
  /** The calls of functions that run in this thread. */
  readonly calls = new LocalCalls()
  /** The program in this thread that is no process: the main program, in thread 0. */
  readonly root: Participant
  defaultOverlay: EntryId | undefined
  readonly #processes = new Map<Pid, LocalProcess>()
  readonly #routes = new Map<EntryId, Promise<Route>>()
  readonly #claimed = new Set<EntryId>()
  readonly #spawns: LocalSpawns | undefined
  readonly #expected: Expected
  readonly #surroundings: Surroundings = {
    answer: (to, call, payload) => {
      this.post.answer(to, call, payload)
    },
    onOverflow: ({ pid: to }, { from, topic }) => {
      this.#dead.add({ from, to, topic, reason: 'a selective receive passed it over, and it no longer fitted' })
    },
    onFlow: (process, flow) => {
      this.post.reportFlow(process, flow)
    },
    onUnsent: (process, { to, topic }, error) => {
      this.#dead.add({ from: process.pid, to, topic, reason: wordsOf(error) })
    },
  }
  readonly #peers = new Peers({
    connect: (thread) => {
      this.kernel.tell({ type: 'connect', thread })
    },
    onParcel: (parcel, channel) => {
      this.#receive(parcel, channel)
    },
    onGone: (thread, channel, error) => {
      if (channel !== undefined) this.post.threadGone(channel, error.message)
      this.bonds.threadGone(thread, error)
    },
  })
  readonly #dead = new DeadReport((letters, dropped) => {
    this.kernel.tell({ type: 'deadLetters', letters, dropped })
  })

  constructor(data: ThreadData) {
    this.thread = data.thread
    this.defaultOverlay = data.defaultOverlay
    this.root = new Participant(pid(data.thread, 0), emptyFrame)
    this.kernel = new KernelLink(
      data.port,
      (message) => {
        this.#onKernel(message)
      },
      (by) => {
        this.#announce(by)
      },
    )
    this.#expected = new Expected(data.shared !== undefined)
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
    this.post = new PostOffice({
      ...lookup,
      onDead: (letter) => {
        this.#dead.add(letter)
      },
      onFrame: (frame, via) => {
        this.#onFrame(frame, via)
      },
    })
    this.bonds = new Bonds({
      ...lookup,
      end: (process, error) => {
        this.finish(process, { error: errorToWire(error) })
      },
    })
  }

  /** The processes that live in this thread. */
  get processes(): ReadonlyMap<Pid, LocalProcess> {
    return this.#processes
  }

  /** Ends a process that lives here, or lived: the first end counts. */
  finish(process: LocalProcess, exit: WireExit): void {
    if (process.ended) return
    const letters = process.close(exit)
    void process.outbox?.drain(0).then((left) => {
      this.#unsent(process, left)
    })
    this.#processes.delete(process.pid)
    this.#spawns?.leave()
    this.post.processEnded(process, letters)
    this.bonds.processEnded(process, exit)
    this.#peers.flush()
    if (process.birth === undefined) this.#tellFinished(process.pid, exit)
  }

  /** Its program is over: what it has sent and did not wait for goes out first, so that it comes before the news of its end. */
  #leave(process: LocalProcess, exit: WireExit): void {
    const { outbox } = process
    if (outbox === undefined || outbox.isEmpty) {
      this.finish(process, exit)
      return
    }
    void outbox.drain(leaveTime).then((left) => {
      this.#unsent(process, left)
      this.finish(process, exit)
    })
  }

  #unsent({ pid: from }: LocalProcess, left: readonly Held[]): void {
    for (const { to, topic } of left) this.#dead.add({ from, to, topic, reason: 'the sender ended before it could be sent' })
  }

  /** In a thread of its own the kernel ends the thread next: what was sent has to have come to its receivers by then. */
  #tellFinished(id: Pid, exit: WireExit): void {
    const tell = () => {
      this.kernel.tell({ type: 'finished', pid: id, exit })
    }
    const arrival = this.#spawns === undefined ? this.#peers.arrival() : undefined
    if (arrival === undefined) {
      tell()
      return
    }
    const overdue = Promise.withResolvers<void>()
    const timer = setTimeout(overdue.resolve, leaveTime)
    void Promise.race([arrival, overdue.promise]).then(() => {
      clearTimeout(timer)
      this.#dead.flush()
      tell()
    })
  }

  /** Starts a child in this thread, if it may be without the kernel; answers nothing when the kernel has to. */
  spawnHere(by: Participant, ask: SpawnRequest): Pid | undefined {
    const admitted = this.#spawns?.admit(by, ask)
    if (admitted === undefined || this.#spawns === undefined) return undefined
    const { entry, inherit, monitor, link, args } = ask
    const { overlay, values, trace } = inherit
    const frame = fork(emptyFrame, { overlay, values, ...(trace !== undefined && { trace }) })
    const messages = (ask.messages ?? []).map((message) => ({ ...message, from: by.pid, frame }))
    const start = {
      pid: admitted.pid,
      program: admitted.known.program,
      args,
      frame,
      queueSize: this.#spawns.queueSize,
      watchers: monitor === undefined ? [] : [monitor],
      links: link === undefined ? [] : [link],
      messages,
    }
    queueMicrotask(() => {
      this.#start(start, { by: by.pid, entry, inherit })
    })
    return admitted.pid
  }

  /**
   * Runs another program in the place of a process's own: its pid, mailbox, links and monitors stay. Settles only when it cannot: then the
   * process goes on as it was.
   */
  async upgrade(process: LocalProcess, entry: EntryId, state: readonly unknown[]): Promise<never> {
    const { program } = await this.kernel.request('program', { entry }, process.pid)
    await loadMethod(program)
    const { promise: never } = Promise.withResolvers<never>()
    if (process.ended) return never
    process.upgrade(program)
    this.kernel.tell({ type: 'upgraded', pid: process.pid, entry })
    this.#run(process, state)
    return never
  }

  /** Makes a process known to the kernel that this thread started by itself. */
  #announce(id: Pid): void {
    const process = this.#processes.get(id)
    if (process?.birth === undefined) return
    const { birth } = process
    process.birth = undefined
    this.#announce(birth.by)
    this.kernel.tell({ type: 'born', pid: id, ...birth })
  }

  /** The current route of an overlay, asked of the kernel once a generation. */
  route(overlay: EntryId, by: Pid): Promise<Route> {
    const known = this.#routes.get(overlay)
    if (known !== undefined) return known
    const asked = this.kernel.request('route', { overlay }, by)
    this.#routes.set(overlay, asked)
    asked.catch(() => {
      if (this.#routes.get(overlay) === asked) this.#routes.delete(overlay)
    })
    return asked
  }

  close(): void {
    this.#dead.flush()
    this.#peers.close()
    this.kernel.close()
  }

  cancel(target: Pid, reason: string): void {
    const process = this.#processes.get(target)
    if (process === undefined) this.calls.cancel(target, reason)
    else process.cancel(reason)
  }

  #onKernel(message: ToThread): void {
    switch (message.type) {
      case 'start':
        this.#start(message.process)
        return
      case 'kill': {
        const process = this.#processes.get(message.pid)
        if (process !== undefined) this.finish(process, { error: message.error })
        return
      }
      case 'cancel':
        this.cancel(message.pid, message.reason)
        return
      case 'announce':
        if (this.#processes.get(message.pid)?.birth === undefined) this.kernel.tell({ type: 'unborn', pid: message.pid })
        else this.#announce(message.pid)
        return
      case 'entryChanged':
        this.#spawns?.forget(message.entry)
        this.calls.forget(message.entry)
        return
      case 'outdated':
        for (const process of this.#processes.values()) {
          if (process.upgradable && process.program.entry === message.entry)
            process.events.push({ type: 'OUTDATED', sources: message.sources })
        }
        return
      case 'channel':
        this.#peers.introduce(message.thread, message.port)
        return
      case 'gone':
        this.#peers.gone(message)
        return
      case 'routeChanged':
        this.#routes.delete(message.overlay)
        return
      case 'defaultOverlay':
        this.defaultOverlay = message.overlay
        return
      default:
    }
  }

  #start(start: StartProcess, birth?: Birth): void {
    const { pid: id, program, frame, queueSize } = start
    const process = new LocalProcess({ pid: id, program, frame, queueSize, birth, surroundings: this.#surroundings })
    process.watchers.push(...start.watchers)
    this.#processes.set(process.pid, process)
    for (const other of start.links) {
      process.addLink(other)
      this.bonds.linked(process.pid, other)
    }
    for (const message of start.messages) process.mailbox.put(firstLetter(message))
    this.#expected.started(id)
    this.#run(process, start.args)
  }

  /** Runs a process's method, in its frame. */
  #run(process: LocalProcess, args: readonly unknown[]): void {
    const { epoch } = process
    const returned = (value: unknown) => {
      if (process.epoch === epoch) this.#returned(process, value)
    }
    const threw = (error: unknown) => {
      if (process.epoch === epoch) this.#leave(process, { error: errorToWire(error) })
    }
    const method = loadedMethod(process.program)
    try {
      const result = runInSlot(process.slot(), () =>
        method === undefined ? loadMethod(process.program).then((load) => load(...args)) : method(...args),
      )
      if (result instanceof Promise) result.then(returned, threw)
      else returned(result)
    } catch (error) {
      threw(error)
    }
  }

  #returned(process: LocalProcess, value: unknown): void {
    try {
      this.#leave(process, { value: snapshot(value) })
    } catch (error) {
      this.#leave(process, { error: errorToWire(error) })
    }
  }

  /** Takes a parcel; one for a process whose start is still on its way waits for that. */
  #receive(parcel: Parcel, channel: Channel): void {
    const to = receiverOf(parcel)
    const deliver = () => {
      this.#onParcel(parcel, channel)
    }
    if (to === undefined || this.#processes.has(to) || !this.#expected.hold(to, deliver)) deliver()
  }

  #onParcel(parcel: Parcel, channel: Channel): void {
    switch (parcel.op) {
      case 'send':
        this.post.onSend(parcel, channel)
        return
      case 'reply':
        this.post.onReply(parcel, channel)
        return
      case 'flow':
        this.post.onFlow(parcel, channel)
        return
      case 'closed':
        this.post.onClosed(parcel, channel)
        return
      case 'monitor':
        this.bonds.onMonitor(parcel)
        return
      case 'unmonitor':
        this.bonds.onUnmonitor(parcel)
        return
      case 'link':
        this.bonds.onLink(parcel, channel)
        return
      case 'unlink':
        this.bonds.onUnlink(parcel)
        return
      case 'exit':
        this.bonds.onExit(parcel)
        return
      case 'linkDown':
        this.bonds.onLinkDown(parcel)
        return
      case 'mark':
        channel.put({ op: 'passed' })
        channel.flush()
        return
      case 'passed':
        channel.passed()
        return
      default:
    }
  }

  /** A message brought an overlay into this thread: the kernel is told at once, so that it can grant the route when it is needed. */
  #onFrame(frame: Frame, via: number): void {
    const { overlay } = frame
    if (typeof overlay !== 'string' || this.#claimed.has(overlay)) return
    this.#claimed.add(overlay)
    this.kernel.tell({ type: 'claim', overlay, via })
  }
}

function firstLetter(message: StartProcess['messages'][number]): Letter {
  return { ...message, call: 0, flow: undefined, sequence: 0 }
}

/** The process that a parcel is for, where that may be one which has not started yet. */
function receiverOf(parcel: Parcel): Pid | undefined {
  switch (parcel.op) {
    case 'send':
      return parcel.to
    case 'monitor':
    case 'unmonitor':
    case 'link':
    case 'unlink':
      return parcel.target
    default:
      return undefined
  }
}
