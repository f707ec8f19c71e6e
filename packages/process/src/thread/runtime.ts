/** The runtime of one thread: its processes, its channels, its link to the kernel. The main thread has one too, as thread 0. */
import { emptyFrame, type EntryId, errorFromWire, errorToWire, fork, type Frame, type Pid, pid, runInSlot, TroupeError } from '@troupe/core'
import type { Route } from '@troupe/network'
import type { MessagePort } from 'node:worker_threads'
import { Channel } from '../mailbox/channel.ts'
import type { Letter } from '../mailbox/letter.ts'
import { snapshot } from '../mailbox/payload.ts'
import type { DeadLetter, Parcel, SpawnRequest, StartProcess, ThreadData, ToThread, WireExit } from '../protocol.ts'
import { Bonds } from './bonds.ts'
import { KernelLink } from './kernel-link.ts'
import { LocalCalls } from './local-calls.ts'
import { LocalProcess, type Surroundings } from './local-process.ts'
import { type Birth, LocalSpawns } from './local-spawns.ts'
import { loadMethod } from './module.ts'
import { Participant } from './participant.ts'
import { PostOffice } from './post-office.ts'

/** Dead letters that a thread reports one by one in a turn; of more it reports only their number. */
const maxDeadLetters = 100

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
  readonly #channels = new Map<number, Channel>()
  /** Threads whose end the kernel has told, while their last parcels may still be under way. */
  readonly #verdicts = new Map<number, TroupeError>()
  readonly #routes = new Map<EntryId, Promise<Route>>()
  readonly #claimed = new Set<EntryId>()
  readonly #spawns: LocalSpawns | undefined
  readonly #surroundings: Surroundings = {
    answer: (to, call, payload) => {
      this.post.answer(to, call, payload)
    },
    onOverflow: ({ pid: to }, { from, topic }) => {
      this.#onDead({ from, to, topic, reason: 'a selective receive passed it over, and it no longer fitted' })
    },
    onFlow: (process, flow) => {
      this.post.reportFlow(process, flow)
    },
  }
  #dead: DeadLetter[] = []
  #deadDropped = 0

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
      channel: (thread: number) => this.#channel(thread),
    }
    this.post = new PostOffice({
      ...lookup,
      onDead: (letter) => {
        this.#onDead(letter)
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
    this.#processes.delete(process.pid)
    this.post.processEnded(process, letters)
    this.bonds.processEnded(process, exit)
    this.#flushAll()
    this.#spawns?.leave()
    if (process.birth === undefined) this.kernel.tell({ type: 'finished', pid: process.pid, exit })
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
      void this.#start(start, { by: by.pid, entry, inherit })
    })
    return admitted.pid
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
    this.#flushAll()
    for (const channel of this.#channels.values()) channel.close()
    this.#channels.clear()
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
        void this.#start(message.process)
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
        return
      case 'channel':
        this.#onChannel(message.thread, message.port)
        return
      case 'gone':
        this.#onGone(message.thread, errorFromWire(message.error))
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

  async #start(start: StartProcess, birth?: Birth): Promise<void> {
    const { pid: id, program, frame, queueSize } = start
    const process = new LocalProcess({ pid: id, program, frame, queueSize, birth, surroundings: this.#surroundings })
    process.watchers.push(...start.watchers)
    this.#processes.set(process.pid, process)
    for (const other of start.links) {
      process.addLink(other)
      this.bonds.linked(process.pid, other)
    }
    for (const message of start.messages) process.mailbox.put(firstLetter(message))
    this.finish(process, await this.#run(process, start.args))
  }

  async #run(process: LocalProcess, args: readonly unknown[]): Promise<WireExit> {
    try {
      const value = await runInSlot(process.slot(), async () => {
        const method = await loadMethod(process.program)
        return method(...args)
      })
      return { value: snapshot(value) }
    } catch (error) {
      return { error: errorToWire(error) }
    }
  }

  #channel(thread: number): Channel {
    const known = this.#channels.get(thread)
    if (known !== undefined) return known
    const channel = this.#newChannel(thread)
    this.kernel.tell({ type: 'connect', thread })
    return channel
  }

  #newChannel(thread: number): Channel {
    const channel = new Channel({
      thread,
      onParcel: (parcel, from) => {
        this.#onParcel(parcel, from)
      },
      onClose: (closed) => {
        this.#onClosed(closed)
      },
    })
    this.#channels.set(thread, channel)
    return channel
  }

  /** The kernel introduces each pair of threads once. */
  #onChannel(thread: number, port: MessagePort): void {
    const channel = this.#channels.get(thread) ?? this.#newChannel(thread)
    channel.open(port)
  }

  #onParcel(parcel: Parcel, channel: Channel): void {
    switch (parcel.op) {
      case 'send':
        this.post.onSend(parcel, channel)
        return
      case 'reply':
        this.post.onReply(parcel)
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
      case 'cancel':
        this.cancel(parcel.target, parcel.reason)
        return
      default:
    }
  }

  /** A channel has delivered all that it ever will. What became of the other thread, the kernel says. */
  #onClosed(channel: Channel): void {
    const verdict = this.#verdicts.get(channel.thread)
    if (verdict !== undefined) this.#conclude(channel, verdict)
  }

  #onGone(thread: number, error: TroupeError): void {
    this.#verdicts.set(thread, error)
    const channel = this.#channels.get(thread)
    if (channel === undefined) this.bonds.threadGone(thread, error)
    else if (!channel.isOpen) this.#conclude(channel, error)
  }

  #conclude(channel: Channel, error: TroupeError): void {
    this.#channels.delete(channel.thread)
    this.#verdicts.delete(channel.thread)
    this.post.threadGone(channel, error.message)
    this.bonds.threadGone(channel.thread, error)
  }

  /** A message brought an overlay into this thread: the kernel is told at once, so that it can grant the route when it is needed. */
  #onFrame(frame: Frame, via: number): void {
    const { overlay } = frame
    if (typeof overlay !== 'string' || this.#claimed.has(overlay)) return
    this.#claimed.add(overlay)
    this.kernel.tell({ type: 'claim', overlay, via })
  }

  #onDead(letter: DeadLetter): void {
    if (this.#dead.length === 0 && this.#deadDropped === 0) process.nextTick(this.#reportDead)
    if (this.#dead.length < maxDeadLetters) this.#dead.push(letter)
    else this.#deadDropped += 1
  }

  readonly #reportDead = () => {
    const letters = this.#dead
    const dropped = this.#deadDropped
    this.#dead = []
    this.#deadDropped = 0
    this.kernel.tell({ type: 'deadLetters', letters, dropped })
  }

  #flushAll(): void {
    for (const channel of this.#channels.values()) channel.flush()
  }
}

function firstLetter(message: StartProcess['messages'][number]): Letter {
  return { ...message, call: 0, flow: undefined, sequence: 0 }
}
