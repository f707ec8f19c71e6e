/**
 * A process's mailbox: bounded, first in first out, with selective receive. Within a thread, senders wait for room. For
 * senders in other threads room is reserved (see `reservations.ts`), or they wait too.
 */
import { afterTurn, count, counter, Deque } from '@troupe/core'
import { drain, sizeOf } from './made-later.ts'
import type { ReceiveWindow } from './reservations.ts'
import type { Envelope } from './message.ts'

/** A receiver that waits for a message. */
export interface Waiter {
  /** Only a message of this topic. */
  readonly topic: string | undefined
  take(envelope: Envelope): void
  /** The mailbox was shut. */
  end(): void
}

/**
 * A sender in this thread that waits for room. Invariants: while a sender waits, all room is used or reserved; while a
 * receiver waits, the queue is empty.
 */
interface Sender {
  readonly envelope: Envelope
  /** Whether the message was withdrawn and must not be put. */
  readonly held: { readonly withdrawn: boolean }
  readonly accepted: (done: boolean) => void
}

/** The owner of a mailbox. */
export interface MailboxOwner {
  /** A message was dropped: a selective receive skipped it, and it no longer fits. */
  onOverflow(envelope: Envelope): void
  /** A message from another thread was taken, or freed its room. */
  onFlow(receiveWindow: ReceiveWindow): void
}

export class Mailbox {
  readonly capacity: number
  readonly #queue = new Deque<Envelope>()
  /** Messages that a selective receive skipped. They are older than all in the queue, and hold no room. */
  #stash: Deque<Envelope> | undefined
  #topics: Map<string, Mailbox> | undefined
  /** Usually one or none. */
  #waiters: Waiter[] | undefined
  #senders: Deque<Sender> | undefined
  readonly #owner: MailboxOwner
  /** The mailbox of the process; this mailbox may be the part for one topic. */
  readonly #whole: Mailbox
  /** The message that was taken last, if its sender waits until it is handled. */
  #last: Envelope | undefined
  #isShut = false
  #reserved = 0
  #handled = 0
  /** A turn of the event loop is awaited, after which the waiting sender gets what room there is. */
  #isGathering = false

  /** @param capacity Number of messages that may wait to be taken. */
  constructor(capacity: number, owner: MailboxOwner, whole?: Mailbox) {
    this.capacity = capacity
    this.#owner = owner
    this.#whole = whole ?? this
  }

  /** Room that is reserved for messages of other threads, of any topic. */
  get reserved(): number {
    return this.#reserved
  }

  /** Room that is neither used nor reserved; 0 while a sender waits. */
  get free(): number {
    let free = this.#free
    for (const own of this.#topics?.values() ?? none) free = Math.min(free, own.#free)
    return free
  }

  get #free(): number {
    if (sizeOf(this.#senders) > 0) return 0
    return Math.max(0, this.capacity - this.#queue.size - this.#whole.reserved)
  }

  /** Reserves room for `count` messages, or as much as there is. @param limit Maximum of the total reserved room. */
  reserve(count: number, limit: number): number {
    const reserved = Math.max(0, Math.min(count, limit - this.#reserved, this.free))
    this.#reserved += reserved
    return reserved
  }

  /** Returns reserved room that is not used. */
  release(count: number): void {
    if (count === 0) return
    this.#reserved -= count
    this.#admit()
    for (const own of this.#topics?.values() ?? none) own.#admit()
  }

  /** Puts a message into the room that was reserved for it. */
  putReserved(envelope: Envelope): void {
    this.#reserved -= 1
    this.put(envelope)
  }

  /** Number of messages that were taken, of any topic. */
  get handled(): number {
    return this.#handled
  }

  /** Number of messages that wait to be taken. */
  get size(): number {
    let size = this.#queue.size + sizeOf(this.#stash)
    for (const own of this.#topics?.values() ?? none) size += own.size
    return size
  }

  /** Whether {@link shut} ended it. */
  get isShut(): boolean {
    return this.#isShut
  }

  /** Whether a sender in this thread can put a message now. */
  hasRoom(topic: string): boolean {
    const box = this.#boxOf(topic)
    return box.#queue.size + this.#reserved < box.capacity && sizeOf(box.#senders) === 0
  }

  /**
   * Puts a message as soon as there is room, in the order of the calls. @param accepted - Called with the outcome:
   * `false` when the mailbox was closed before.
   */
  putWhenRoom(envelope: Envelope, held: { readonly withdrawn: boolean }, accepted: (done: boolean) => void): void {
    this.#boxOf(envelope.topic).#enqueue({ envelope, held, accepted })
  }

  put(envelope: Envelope): void {
    count(counter.messagesReceived)
    this.#boxOf(envelope.topic).#put(envelope)
  }

  #boxOf(topic: string): Mailbox {
    return this.#topics?.get(topic) ?? this
  }

  #put(envelope: Envelope): void {
    if (this.#waiters === undefined) this.#queue.push(envelope)
    else if (!this.#hand(envelope, true)) this.#setAside(envelope, true)
  }

  /** Delivers a message to the first receiver that waits for it, if there is one. */
  #hand(envelope: Envelope, heldRoom: boolean): boolean {
    const waiter = this.#waiters?.find(({ topic }) => topic === undefined || topic === envelope.topic)
    if (waiter === undefined) return false
    this.giveUp(waiter)
    this.#taken(envelope, heldRoom)
    waiter.take(envelope)
    return true
  }

  /** Takes the next message, if there is one; only of `topic`, if given. */
  take(topic?: string): Envelope | undefined {
    if (this.#whole.#last !== undefined) this.#whole.#follow(undefined)
    const stashed = this.#stash === undefined ? undefined : takeOf(this.#stash, topic)
    if (stashed !== undefined) {
      this.#taken(stashed, false)
      return stashed
    }
    for (let envelope = this.#queue.shift(); envelope !== undefined; envelope = this.#queue.shift()) {
      const found = topic === undefined || envelope.topic === topic
      if (found) this.#taken(envelope, true)
      else this.#setAside(envelope, true)
      if (this.#senders !== undefined) this.#admitSome(this.#senders)
      if (found) return envelope
    }
    return undefined
  }

  /** Delivers the next message to `waiter`, once. Call it only after {@link take} returned `undefined`. */
  wait(waiter: Waiter): void {
    if (this.#waiters === undefined) this.#waiters = [waiter]
    else this.#waiters.push(waiter)
  }

  giveUp(waiter: Waiter): void {
    if (this.#waiters === undefined) return
    if (this.#waiters.length > 1) this.#waiters = this.#waiters.filter((other) => other !== waiter)
    else if (this.#waiters[0] === waiter) this.#waiters = undefined
  }

  /** Opens a separate mailbox for one topic, with its own capacity. Waiting messages of the topic move into it. */
  open(topic: string): Mailbox {
    this.#topics ??= new Map()
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const own = new Mailbox(this.capacity, this.#owner, this)
    this.#topics.set(topic, own)
    for (const envelope of drain(this.#stash)) (envelope.topic === topic ? own : this).#keep(envelope)
    for (const envelope of this.#queue.drain()) (envelope.topic === topic ? own : this).#queue.push(envelope)
    for (const sender of drain(this.#senders)) (sender.envelope.topic === topic ? own : this).#enqueue(sender)
    own.#admit()
    this.#admit()
    return own
  }

  /** Reverts {@link open}: waiting messages return to the process's mailbox. */
  shut(topic: string): void {
    const own = this.#topics?.get(topic)
    if (own === undefined) return
    this.#topics?.delete(topic)
    own.#isShut = true
    for (const envelope of drain(own.#stash)) if (!this.#hand(envelope, false)) this.#setAside(envelope, false)
    for (const envelope of own.#queue.drain()) this.#boxOf(envelope.topic).#put(envelope)
    for (const sender of drain(own.#senders)) this.#enqueue(sender)
    this.#admit()
    for (const waiter of own.#waiters ?? []) waiter.end()
    own.#waiters = undefined
  }

  /** Closes the mailbox permanently: returns the messages that were not taken, and releases the senders that wait. */
  close(): Envelope[] {
    const own = [...(this.#topics?.values() ?? [])].flatMap((mailbox) => mailbox.close())
    const left = [...drain(this.#stash), ...this.#queue.drain()]
    count(counter.messagesTaken, left.length)
    for (const sender of drain(this.#senders)) sender.accepted(false)
    this.#waiters = undefined
    return [...left, ...own]
  }

  #keep(envelope: Envelope): void {
    this.#stash ??= new Deque()
    this.#stash.push(envelope)
  }

  #enqueue(sender: Sender): void {
    this.#senders ??= new Deque()
    this.#senders.push(sender)
  }

  /**
   * Admits the senders for which there is room. For a single one, which would wait for each message, room gathers up to
   * a quarter of the mailbox, but for one turn at most: the receiver may wait for what this sender does next.
   */
  #admitSome(senders: Deque<Sender>): void {
    const hasLittle = this.capacity - this.#queue.size - this.#whole.reserved < this.capacity >> 2
    if (senders.size !== 1 || !hasLittle) this.#admit()
    else if (!this.#isGathering) {
      this.#isGathering = true
      afterTurn((mailbox: Mailbox) => {
        mailbox.#isGathering = false
        mailbox.#admit()
      }, this)
    }
  }

  /** Admits the senders for which there is room. */
  #admit(): void {
    while (this.#queue.size + this.#whole.reserved < this.capacity) {
      const sender = this.#senders?.shift()
      if (sender === undefined) return
      if (sender.held.withdrawn) continue
      count(counter.messagesReceived)
      this.#put(sender.envelope)
      sender.accepted(true)
    }
  }

  /** Stores a message that a selective receive skipped. It releases its room, but is not taken yet. */
  #setAside(envelope: Envelope, heldRoom: boolean): void {
    if (sizeOf(this.#stash) < this.capacity) this.#keep(envelope)
    else {
      count(counter.messagesTaken)
      envelope.receiveWindow?.taken(envelope.sequence)
      this.#owner.onOverflow(envelope)
      envelope.onHandled?.()
    }
    if (envelope.receiveWindow === undefined) return
    if (heldRoom) envelope.receiveWindow.free()
    this.#owner.onFlow(envelope.receiveWindow)
  }

  #follow(next: Envelope | undefined): void {
    const handled = this.#last
    this.#last = next
    handled?.onHandled?.()
  }

  #taken(envelope: Envelope, heldRoom: boolean): void {
    this.#whole.#handled += 1
    count(counter.messagesTaken)
    if (envelope.onHandled !== undefined) this.#whole.#follow(envelope)
    if (envelope.receiveWindow === undefined) return
    envelope.receiveWindow.taken(envelope.sequence)
    if (heldRoom) envelope.receiveWindow.free()
    this.#owner.onFlow(envelope.receiveWindow)
  }
}

const none: readonly Mailbox[] = []

function takeOf(envelopes: Deque<Envelope>, topic: string | undefined): Envelope | undefined {
  return topic === undefined ? envelopes.shift() : envelopes.take((envelope) => envelope.topic === topic)
}
