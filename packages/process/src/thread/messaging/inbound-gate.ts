/**
 * Decides what is accepted from another thread. That thread may run untrusted code, so nothing that it claims is
 * believed. It may do what the kernel allows it, in an overlay that the kernel confirms.
 */
import { type EntryId, type Frame, fork, type Pid, forgetOldest } from '@troupe/core'
import { checkCrossing, checkEncodable } from '../../protocol/network-crossing.ts'
import type { Accepts } from '../../protocol/programs.ts'
import { signalRule } from '../../protocol/signal-rules.ts'
import type { Signal } from '../../protocol/signals.ts'
import type { PeerNetwork, SenderFrame, Privileges } from '../../protocol/kernel-thread.ts'

/**
 * Maximum number of signals held while a request to the kernel is pending. Beyond it, the other thread counts as
 * flooding.
 */
const maxHeld = 4096
/** Maximum number of senders that are remembered. */
const mostSenders = 4096

export interface InboundGateOptions {
  readonly privileges: Privileges
  readonly network: PeerNetwork
  /** Asks the kernel whether the other thread may perform `action` on a process here. */
  readonly authorize: (action: string, target: Pid) => void
  /** Asks the kernel for the actor of a process or call in the other thread. */
  readonly identify: (sender: Pid) => void
  readonly pass: (signal: Signal, frame: Frame) => void
  /** Called with a signal that is not accepted; it may contain messages. */
  readonly refuse: (signal: Signal) => void
}

export class InboundGate {
  readonly #options: InboundGateOptions
  readonly #authorized = new Map<string, boolean>()
  readonly #asked = new Set<string>()
  #privileges: Privileges
  readonly #held: { readonly signal: Signal; readonly frame: Frame }[] = []
  /** The actors of senders; `undefined` while the request to the kernel is pending. */
  readonly #senders = new Map<Pid, SenderFrame | undefined>()
  readonly #waiting: (() => void)[] = []
  /** The last corrected frame: most messages of a sender have the same frame. */
  #moved: { readonly from: Frame; readonly acting: SenderFrame | undefined; readonly to: Frame } | undefined

  constructor(options: InboundGateOptions) {
    this.#options = options
    this.#privileges = options.privileges
  }

  /**
   * Accepts a signal, in order, or refuses it. @param frame - The frame of a message, as it claims. @throws for what
   * may not cross to this network.
   */
  accept(signal: Signal, frame: Frame): void {
    if (this.leadsElsewhere) signalRule(signal).checkCrossing?.(signal)
    if (this.#held.length > 0) this.#hold(signal, frame)
    else if (!this.#tryAccept(signal, frame)) this.#hold(signal, frame)
  }

  /** Settles when no signal is held; returns `undefined` when none is. */
  passed(): Promise<void> | undefined {
    if (this.#held.length === 0) return undefined
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** The kernel's reply to `authorize`. */
  onAuthorized(action: string, target: Pid, may: boolean): void {
    this.#authorized.set(`${action} ${target}`, may)
    this.#asked.delete(`${action} ${target}`)
    this.#goOn()
  }

  /** The kernel's reply to `identify`. An unknown sender acts for no actor. */
  onSender(sender: Pid, acting: SenderFrame = unknownSender): void {
    this.#senders.set(sender, acting)
    forgetOldest(this.#senders, mostSenders)
    this.#goOn()
  }

  onPrivileges(privileges: Privileges): void {
    this.#privileges = privileges
    this.#goOn()
  }

  /** The policies have changed. */
  forget(): void {
    this.#authorized.clear()
    this.#asked.clear()
    this.#goOn()
  }

  /** The overlay of the other thread; `null` is the clear network. */
  get overlay(): EntryId | null {
    return this.#options.network.overlay
  }

  /** Whether the other thread runs in another network. */
  get leadsElsewhere(): boolean {
    return !this.#options.network.isOwn
  }

  /**
   * Checks a value that is sent to the other thread.
   *
   * @param isReply - See `checkCrossing`.
   * @throws TroupeError `Invalid`, with the path.
   */
  check(value: unknown, path: string, isReply = false): void {
    const { isOwn, encoded, largest } = this.#options.network
    if (encoded === true) checkEncodable(value, path, largest)
    else if (!isOwn) checkCrossing(value, path, isReply)
  }

  /** Whether a process here that accepts messages from such overlays accepts those of the other thread. */
  isAccepted(accepts: Accepts): boolean {
    const { isOwn, overlay } = this.#options.network
    return isOwn || overlay === null || accepts === 'any' || accepts.includes(overlay)
  }

  /**
   * The frame of a message from there: network, actor, scope and values come from the kernel, whatever the message
   * claims.
   */
  #frameOf(frame: Frame, acting: SenderFrame | undefined): Frame {
    if (this.#moved?.from === frame && this.#moved.acting === acting) return this.#moved.to
    const inNetwork = this.#inNetwork(frame)
    const to = acting === undefined ? inNetwork : Object.freeze({ ...inNetwork, ...acting })
    this.#moved = { from: frame, acting, to }
    return to
  }

  #inNetwork(frame: Frame): Frame {
    const { overlay } = this.#options.network
    if (overlay === null ? typeof frame.overlay !== 'string' : frame.overlay === overlay) return frame
    // A frame without a choice means that the thread runs in the application's default.
    return frame.overlay === undefined ? frame : fork(frame, { overlay })
  }

  #hold(signal: Signal, frame: Frame): void {
    if (this.#held.length < maxHeld) this.#held.push({ signal, frame })
    else this.#options.refuse(signal)
  }

  #goOn(): void {
    while (this.#held.length > 0) {
      const [next] = this.#held
      if (next === undefined || !this.#tryAccept(next.signal, next.frame)) return
      this.#held.shift()
    }
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Returns false when a request to the kernel is needed first. */
  #tryAccept(signal: Signal, frame: Frame): boolean {
    const may = this.#privileges.policyEnforced ? this.#may(signal) : true
    if (may === undefined) return false
    if (!may) {
      this.#options.refuse(signal)
      return true
    }
    if (signal.op !== 'send') {
      this.#options.pass(signal, frame)
      return true
    }
    const { from } = signal
    // Most messages claim no actor, which is always allowed.
    if (!this.#privileges.policyEnforced && frame.actor === undefined && frame.scope === undefined) {
      this.#options.pass(signal, this.#frameOf(frame, undefined))
      return true
    }
    const acting = this.#senders.get(from)
    if (acting === undefined) {
      this.#identify(from)
      return false
    }
    this.#options.pass(signal, this.#frameOf(frame, acting))
    return true
  }

  #identify(sender: Pid): void {
    if (this.#senders.has(sender)) return
    this.#senders.set(sender, undefined)
    this.#options.identify(sender)
  }

  #may(signal: Signal): boolean | undefined {
    const rule = signalRule(signal)
    const { action } = rule
    const target = rule.near?.(signal)
    if (action === undefined || target === undefined) return true
    const key = `${action} ${target}`
    const known = this.#authorized.get(key)
    if (known === undefined && !this.#asked.has(key)) {
      this.#asked.add(key)
      this.#options.authorize(action, target)
    }
    return known
  }
}

const unknownSender: SenderFrame = { actor: undefined, scope: undefined, values: {} }
