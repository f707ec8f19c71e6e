/**
 * Monitors and links of a thread's processes. Each thread reports the ends of its own processes, over the channels that
 * carried their messages, so that an EXIT never overtakes them. When a thread is lost and can no longer report, the
 * threads that watched it report the ends to their own processes.
 */
import { errorFromWire, errorToWire, notFound, type Pid, reach, threadOf, type TroupeError } from '@troupe/core'
import { checkCrossing } from '../../protocol/network-crossing.ts'
import type { InboundGate } from './inbound-gate.ts'
import type { Channel } from '../../channel/channel.ts'
import { unpack } from '../../mailbox/payload.ts'
import type { SignalOf } from '../../protocol/signals.ts'
import type { Watcher, WireExit } from '../../protocol/programs.ts'
import type { Exit } from '../process/event-queue.ts'
import type { LocalProcess } from '../process/local-process.ts'

export interface LinksOptions {
  readonly thread: number
  readonly process: (pid: Pid) => LocalProcess | undefined
  readonly channel: (thread: number) => Channel
  /** Ends a process here because a linked process ended. */
  readonly end: (process: LocalProcess, error: TroupeError) => void
}

/** Notifications about a process that its spawner does not know yet. */
interface EarlyNews {
  readonly exit?: Exit
  readonly down?: { readonly error: TroupeError | undefined }
}

export class Links {
  readonly #options: LinksOptions
  readonly #promises = new Map<number, (exit: Exit) => void>()
  /** The processes in other threads that are watched by processes and promises here. */
  readonly #watched = new Map<Pid, Watcher[]>()
  /** Processes here that are linked to a process in another thread, by that process. */
  readonly #linked = new Map<Pid, Set<Pid>>()
  /** Pending spawns, by the process that is to monitor the new one. */
  readonly #spawning = new Map<Pid, number>()
  /** Notifications about processes that arrived before the result of their spawn, which arrives over another port. */
  readonly #early = new Map<Pid, EarlyNews>()
  #nextPromise = 1

  constructor(options: LinksOptions) {
    this.#options = options
  }

  /** Creates a watcher that resolves a promise here, for the program that `by` runs. It watches nothing yet. */
  promise(by: Pid): { readonly watcher: Watcher; readonly exit: Promise<Exit>; readonly forget: () => void } {
    const number = this.#nextPromise
    this.#nextPromise += 1
    const exit = new Promise<Exit>((resolve) => {
      this.#promises.set(number, resolve)
    })
    return { watcher: { pid: by, promise: number }, exit, forget: () => this.#promises.delete(number) }
  }

  /** Watches a process in any thread. */
  monitor(target: Pid, watcher: Watcher): void {
    if (!this.#isHere(target)) {
      this.#watching(target, watcher)
      this.#channelTo(target).put({ op: 'monitor', target, watcher })
      return
    }
    const process = this.#options.process(target)
    if (process === undefined) this.#notify(target, watcher, { error: gone(target) })
    else process.watchers.push(watcher)
  }

  /** A spawn by `by` begins. Returns a function to call with the new pid, or with nothing when the spawn failed. */
  spawning(
    by: Pid,
    options: { readonly monitor?: Watcher; readonly link?: LocalProcess },
  ): (target: Pid | undefined) => void {
    this.#spawning.set(by, (this.#spawning.get(by) ?? 0) + 1)
    return (target) => {
      const left = (this.#spawning.get(by) ?? 1) - 1
      if (left === 0) this.#spawning.delete(by)
      else this.#spawning.set(by, left)
      const early = target && this.#early.get(target)
      if (this.#spawning.size === 0) this.#early.clear()
      else if (target !== undefined) this.#early.delete(target)
      if (target === undefined) return
      if (options.monitor !== undefined) {
        if (early?.exit === undefined) this.#watching(target, options.monitor)
        else this.#notify(target, options.monitor, early.exit)
      }
      if (options.link !== undefined) {
        this.#linking(options.link, target)
        if (early?.down !== undefined) this.#linkDown(options.link.pid, target, early.down.error)
      }
    }
  }

  /** Records this side of a link that a spawn created; the other side has it from its start. */
  #linking(own: LocalProcess, target: Pid): void {
    if (own.exit === undefined) {
      own.addLink(target)
      this.linked(own.pid, target)
      return
    }
    const error = 'error' in own.exit ? own.exit.error : undefined
    if (this.#isHere(target)) this.#linkDown(target, own.pid, error && errorFromWire(error))
    else this.#channelTo(target).put({ op: 'linkDown', from: own.pid, to: target, error })
  }

  #watching(target: Pid, watcher: Watcher): void {
    if (this.#isHere(target)) return
    const watchers = this.#watched.get(target)
    if (watchers === undefined) this.#watched.set(target, [watcher])
    else watchers.push(watcher)
  }

  /** Ends all watches of `target` by the process `watcher`. */
  unmonitor(target: Pid, watcher: Pid): void {
    if (this.#isHere(target)) {
      const process = this.#options.process(target)
      if (process !== undefined) removeWatchers(process.watchers, watcher)
      return
    }
    const watchers = this.#watched.get(target)
    if (watchers !== undefined && removeWatchers(watchers, watcher) === 0) this.#watched.delete(target)
    this.#channelTo(target).put({ op: 'unmonitor', target, watcher })
  }

  /** Links a process here with another in any thread. */
  link(own: LocalProcess, target: Pid): void {
    if (own.pid === target) return
    own.addLink(target)
    if (this.#isHere(target)) {
      const other = this.#options.process(target)
      if (other === undefined) this.#linkDown(own.pid, target, gone(target))
      else other.addLink(own.pid)
      return
    }
    this.linked(own.pid, target)
    this.#channelTo(target).put({ op: 'link', target, other: own.pid })
  }

  /** Records a link to a process in another thread. */
  linked(own: Pid, other: Pid): void {
    if (this.#isHere(other)) return
    const mine = this.#linked.get(other)
    if (mine === undefined) this.#linked.set(other, new Set([own]))
    else mine.add(own)
  }

  unlink(own: LocalProcess, target: Pid): void {
    this.#forgetLink(own.pid, target)
    if (this.#isHere(target)) this.#options.process(target)?.removeLink(own.pid)
    else this.#channelTo(target).put({ op: 'unlink', target, other: own.pid })
  }

  /** Notifies all watchers that a process here has ended. */
  processEnded(ended: LocalProcess, exit: WireExit): void {
    for (const watcher of ended.watchers.splice(0)) this.#tell(ended.pid, watcher, exit)
    const error = 'error' in exit ? exit.error : undefined
    for (const other of ended.links) {
      this.#forgetLink(ended.pid, other)
      if (this.#isHere(other)) this.#linkDown(other, ended.pid, error && errorFromWire(error))
      else this.#channelTo(other).put({ op: 'linkDown', from: ended.pid, to: other, error })
    }
  }

  /** Another thread has ended: processes here that watched a process in it, or were linked to one, are notified. */
  threadGone(thread: number, error: TroupeError): void {
    for (const [target, watchers] of [...this.#watched]) {
      if (threadOf(target) !== thread) continue
      this.#watched.delete(target)
      for (const watcher of watchers) this.#notify(target, watcher, { error })
    }
    for (const [other, mine] of [...this.#linked]) {
      if (threadOf(other) === thread) for (const own of [...mine]) this.#linkDown(own, other, error)
    }
  }

  onMonitor({ target, watcher }: SignalOf<'monitor'>, { thread }: Channel): void {
    if (threadOf(watcher.pid) !== thread) return
    const process = this.#options.process(target)
    if (process === undefined) this.#tell(target, watcher, { error: errorToWire(gone(target)) })
    else process.watchers.push(watcher)
  }

  onUnmonitor({ target, watcher }: SignalOf<'unmonitor'>, { thread }: Channel): void {
    const process = this.#options.process(target)
    if (process !== undefined && threadOf(watcher) === thread) removeWatchers(process.watchers, watcher)
  }

  onLink({ target, other }: SignalOf<'link'>, channel: Channel): void {
    if (threadOf(other) !== channel.thread) return
    const process = this.#options.process(target)
    if (process === undefined) {
      channel.put({ op: 'linkDown', from: target, to: other, error: errorToWire(gone(target)) })
      return
    }
    process.addLink(other)
    this.linked(target, other)
  }

  onUnlink({ target, other }: SignalOf<'unlink'>, { thread }: Channel): void {
    if (threadOf(other) === thread) this.#forgetLink(target, other)
  }

  onExit({ from, watcher, exit }: SignalOf<'exit'>, { thread }: Channel): void {
    if (threadOf(from) !== thread) return
    const watchers = this.#watched.get(from)
    const at = watchers?.findIndex((known) => known.pid === watcher.pid && known.promise === watcher.promise) ?? -1
    if (watchers === undefined || at === -1) {
      if (this.#spawning.has(watcher.pid)) this.#early.set(from, { ...this.#early.get(from), exit: fromWire(exit) })
      return
    }
    watchers.splice(at, 1)
    if (watchers.length === 0) this.#watched.delete(from)
    this.#notify(from, watcher, fromWire(exit))
  }

  onLinkDown({ from, to, error: wire }: SignalOf<'linkDown'>, { thread }: Channel): void {
    if (threadOf(from) !== thread) return
    const error = wire && errorFromWire(wire)
    if (this.#options.process(to)?.links.has(from) === true) this.#linkDown(to, from, error)
    else if (this.#spawning.has(to)) this.#early.set(from, { ...this.#early.get(from), down: { error } })
  }

  #tell(from: Pid, watcher: Watcher, exit: WireExit): void {
    if (this.#isHere(watcher.pid)) this.#notify(from, watcher, fromWire(exit))
    else {
      const channel = this.#channelTo(watcher.pid)
      channel.put({ op: 'exit', from, watcher, exit: crossingExit(exit, channel.gate) })
    }
  }

  #notify(from: Pid, watcher: Watcher, result: Exit): void {
    if (watcher.promise === 0) {
      this.#options.process(watcher.pid)?.events.push({ type: 'EXIT', from, result })
      return
    }
    this.#promises.get(watcher.promise)?.(result)
    this.#promises.delete(watcher.promise)
  }

  /**
   * A link broke. Does nothing if the link no longer exists, because it was removed while the notification was in
   * flight.
   */
  #linkDown(own: Pid, from: Pid, error: TroupeError | undefined): void {
    const process = this.#options.process(own)
    if (!this.#forgetLink(own, from) || process === undefined) return
    if (process.trapLinks) process.events.push({ type: 'LINK_DOWN', from, error })
    else if (error !== undefined) this.#options.end(process, error)
  }

  /** Returns whether there was such a link. */
  #forgetLink(own: Pid, other: Pid): boolean {
    const mine = this.#linked.get(other)
    if (mine?.delete(own) === true && mine.size === 0) this.#linked.delete(other)
    return this.#options.process(own)?.removeLink(other) === true
  }

  #channelTo(pid: Pid): Channel {
    return this.#options.channel(reach(pid))
  }

  #isHere(pid: Pid): boolean {
    return threadOf(pid) === this.#options.thread
  }
}

function fromWire(exit: WireExit): Exit {
  return 'error' in exit ? { error: errorFromWire(exit.error) } : { value: unpack(exit.value) }
}

function gone(pid: Pid): TroupeError {
  return notFound(`process ${pid} does not exist: it has ended, or never started`, { pid })
}

function removeWatchers(watchers: Watcher[], pid: Pid): number {
  for (let i = watchers.length - 1; i >= 0; i -= 1) {
    if (watchers[i]?.pid === pid && watchers[i]?.promise === 0) watchers.splice(i, 1)
  }
  return watchers.length
}

/**
 * The end of a process as another thread may receive it: a value that could carry work to another network is removed.
 */
function crossingExit(exit: WireExit, gate: InboundGate | undefined): WireExit {
  if ('error' in exit) return exit
  try {
    if (gate === undefined) checkCrossing(exit.value, 'result', true)
    else gate.check(exit.value, 'result', true)
    return exit
  } catch (error) {
    return { error: errorToWire(error) }
  }
}
