/** A process in its own thread. Rarely used parts are created lazily, to keep idle processes small. */
import {
  afterTurn,
  currentSlot,
  enterSlot,
  type EntryId,
  type Frame,
  fork,
  isTracing,
  type Pid,
  type Slot,
  type Span,
  yieldDue,
  yielding,
  startTimer,
  stopTimer,
  type Timer,
} from '@troupe/core'
import type { ReceiveWindow } from '../../mailbox/reservations.ts'
import { type Envelope, Message } from '../../mailbox/message.ts'
import { Mailbox } from '../../mailbox/mailbox.ts'
import { Reservations } from '../../mailbox/reservations.ts'
import type { Accepts, Program, Watcher, WireExit } from '../../protocol/programs.ts'
import { EventQueue } from './event-queue.ts'
import type { LocalProcessOptions } from './local-process-options.ts'
import type { LocalSpawn } from '../local-spawns.ts'
import type { PendingSend } from './pending-sends.ts'
import type { ProcessServices } from './process-services.ts'
import { isRecording, recordTaken } from '../recording.ts'
import { endedSpan, handlingSpan, inSpan } from '../spans.ts'
import { asResult, canceled, finished, ReceiveWait, resolveInTurn } from './receive-wait.ts'
import { SendingParticipant } from './sending-participant.ts'

export class LocalProcess extends SendingParticipant {
  program: Program
  /** Overlays from which it accepts messages, in addition to its own and the clear network. */
  accepts: Accepts
  /** Increases with each upgrade: the result or error of an earlier program no longer counts. */
  epoch = 0
  /** Set while the kernel does not know the process. */
  localSpawn: LocalSpawn | undefined
  readonly mailbox: Mailbox
  /** When it started, in milliseconds since 1970. */
  readonly startedAt = Date.now()
  readonly watchers: Watcher[] = []
  trapLinks = false
  upgradable = false
  /** How it ended; `undefined` while it runs. */
  exit: WireExit | undefined
  readonly #services: ProcessServices<LocalProcess>
  #handling: Frame
  /** Of the message that it handles, until it asks for the next one. */
  #span: Span | undefined
  #events: EventQueue | undefined
  #controller: AbortController | undefined
  #links: Set<Pid> | undefined
  #reservations: Reservations | undefined
  /** Why no more messages arrive. The error itself is created when it is needed. */
  #stopped: string | undefined
  /** The wait for a message; a process usually has one at most. */
  #wait: ReceiveWait | undefined
  #moreWaits: Set<ReceiveWait> | undefined
  readonly #idleTimeout: number | undefined
  #idle: Timer | undefined

  constructor(options: LocalProcessOptions<LocalProcess>) {
    super(options.pid, options.frame, options.runtime)
    this.program = options.program
    this.accepts = options.accepts
    this.#idleTimeout = options.idleTimeout
    this.localSpawn = options.localSpawn
    this.#services = options.services
    this.#handling = options.frame
    this.mailbox = new Mailbox(options.queueSize, this)
  }

  /** EXIT, LINK_DOWN, CANCEL and OUTDATED events. */
  get events(): EventQueue {
    return (this.#events ??= new EventQueue())
  }

  /** Aborts when the process is cancelled or has ended. */
  override get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#stopped !== undefined && !this.#controller.signal.aborted) this.#controller.abort(canceled(this.#stopped))
    return this.#controller.signal
  }

  /** The processes to which it is linked. */
  get links(): ReadonlySet<Pid> {
    return this.#links ?? noLinks
  }

  addLink(other: Pid): void {
    this.#links ??= new Set()
    this.#links.add(other)
  }

  /** Returns whether there was such a link. */
  removeLink(other: Pid): boolean {
    return this.#links?.delete(other) === true
  }

  /** The reservations for threads that sent to it, if there are any. */
  get reservations(): Reservations | undefined {
    return this.#reservations
  }

  reserving(): Reservations {
    return (this.#reservations ??= new Reservations(this.mailbox))
  }

  /** What it does, as far as its thread knows. */
  get state(): 'running' | 'waiting' | 'stopping' {
    if (this.#stopped !== undefined) return 'stopping'
    return this.#wait === undefined && this.#moreWaits === undefined ? 'running' : 'waiting'
  }

  override get ended(): boolean {
    return this.exit !== undefined
  }

  protected override onUnsent(held: PendingSend, error: unknown): void {
    // The sender has ended, so the error has no recipient.
    if (this.ended && !held.withdrawn) this.#services.onUnsent(this, held, error)
  }

  /** A message was dropped from the mailbox. */
  onOverflow(envelope: Envelope): void {
    this.#services.onOverflow(this, envelope)
  }

  /** A message of this window was taken, or freed its room. */
  onFlow(receiveWindow: ReceiveWindow): void {
    this.#services.onFlow(this, receiveWindow)
  }

  /**
   * Takes the next message. Deliberately not async: the slot must come into force in the caller's own synchronous
   * section, and be filled before the promise resolves (`docs/discoveries/0001-frames-in-loops.md`). If the right frame
   * is already in force, its slot stays.
   */
  receive(from: Mailbox, topic: string | undefined, timeout: number | undefined): Promise<Message> {
    return this.#take(from, topic, timeout, (message) => message, undefined)
  }

  /**
   * The messages of a mailbox, one by one, until the process is cancelled or the mailbox is shut, and no message is
   * left.
   */
  iterate(from: Mailbox): AsyncIterableIterator<Message, undefined> {
    const iterator: AsyncIterableIterator<Message, undefined> = {
      next: () => this.#take(from, undefined, undefined, asResult, finished),
      return: () => Promise.resolve(finished),
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /** An entry has changed: the process is notified if it runs that entry, and may continue with the new code. */
  outdated(entry: EntryId, sources: readonly string[]): void {
    if (this.upgradable && this.program.entry === entry) this.events.push({ type: 'OUTDATED', sources })
  }

  /** Asks the process to stop: its signal aborts, and its inbox ends once it is empty. */
  cancel(reason: string): void {
    if (this.#stopped !== undefined) return
    this.events.push({ type: 'CANCEL', reason })
    this.#stop(reason)
  }

  /** From now on another program runs in this process. Pending waits of the earlier program never settle. */
  upgrade(program: Program, accepts: Accepts): void {
    this.program = program
    this.accepts = accepts
    this.epoch += 1
    const waits = [...(this.#wait === undefined ? [] : [this.#wait]), ...(this.#moreWaits ?? [])]
    this.#wait = undefined
    this.#moreWaits = undefined
    for (const wait of waits) wait.abandon()
    this.#events?.abandon()
  }

  /** Accepts no more messages and events. Returns the messages that were not taken. */
  close(exit: WireExit): Envelope[] {
    this.exit = exit
    if (this.#span !== undefined) this.#span = endedSpan(this.#span, exit)
    stopTimer(this.#idle)
    this.#events?.close()
    this.#stop('the process has ended')
    return this.mailbox.close()
  }

  /** Ends all waits, because nothing more arrives. */
  #stop(reason: string): void {
    this.#stopped ??= reason
    if (this.#controller === undefined && this.#wait === undefined && this.#moreWaits === undefined) return
    const error = canceled(this.#stopped)
    this.#controller?.abort(error)
    this.#wait?.stop(error)
    for (const wait of [...(this.#moreWaits ?? [])]) wait.stop(error)
  }

  #take<T>(
    from: Mailbox,
    topic: string | undefined,
    timeout: number | undefined,
    make: (message: Message) => T,
    end: T | undefined,
  ): Promise<T> {
    if (this.#span !== undefined) this.#span = endedSpan(this.#span)
    const envelope = from.take(topic)
    if (envelope === undefined) {
      const slot = this.slot()
      enterSlot(slot)
      return this.#await(slot, from, topic, timeout, make, end)
    }
    const frame = this.frameFor(envelope)
    const current = currentSlot()
    if (current?.owner !== this || current.frame !== frame) enterSlot({ frame, owner: this })
    const value = make(new Message(envelope, this.pid, this.#services))
    if (!yieldDue()) return Promise.resolve(value)
    return new Promise((resolve) => {
      afterTurn(resolve, value)
    })
  }

  #await<T>(
    slot: Slot,
    from: Mailbox,
    topic: string | undefined,
    timeout: number | undefined,
    make: (message: Message) => T,
    end: T | undefined,
  ): Promise<T> {
    if (end !== undefined && (this.#stopped !== undefined || from.isShut)) return yielding(Promise.resolve(end))
    if (this.#stopped !== undefined) return yielding(Promise.reject(canceled(this.#stopped)))
    return new Promise((resolve, reject) => {
      this.#waiting(
        new ReceiveWait(this.pid, from, topic, timeout, {
          take: (envelope, wait) => {
            this.#waited(wait)
            resolveInTurn(resolve, make(this.#open(envelope, slot)))
          },
          end: (error, wait) => {
            this.#waited(wait)
            if (end === undefined || error.kind === 'Timeout') reject(error)
            else resolve(end)
          },
        }),
      )
    })
  }

  #waiting(wait: ReceiveWait): void {
    if (this.#idleTimeout !== undefined) {
      stopTimer(this.#idle)
      this.#idle = startTimer(() => {
        if (this.mailbox.size === 0) this.cancel(`no message came for ${this.#idleTimeout} ms`)
      }, this.#idleTimeout).unref()
    }
    if (this.#wait === undefined) this.#wait = wait
    else {
      this.#moreWaits ??= new Set()
      this.#moreWaits.add(wait)
    }
  }

  #waited(wait: ReceiveWait): void {
    stopTimer(this.#idle)
    if (this.#wait === wait) this.#wait = undefined
    else this.#moreWaits?.delete(wait)
  }

  /** Puts the frame in force in which a message is handled. */
  #open(envelope: Envelope, slot: Slot): Message {
    slot.frame = this.frameFor(envelope)
    return new Message(envelope, this.pid, this.#services)
  }

  /** The frame in which a message is handled: the receiver's own, with the trace of the message. */
  frameFor(envelope: Envelope): Frame {
    if (isRecording()) recordTaken(this, envelope)
    const { trace, traceState } = envelope.frame
    if (trace === undefined) return this.frame
    if (isTracing()) {
      this.#span?.end()
      this.#span = handlingSpan(this.pid, this.program.entry, envelope)
      if (this.#span !== undefined) return inSpan(this.frame, this.#span)
    }
    if (this.#handling.trace !== trace) this.#handling = fork(this.frame, { trace, traceState })
    return this.#handling
  }
}

const noLinks: ReadonlySet<Pid> = new Set()
