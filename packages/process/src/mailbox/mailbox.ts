/**
 * A process's mailbox: bounded, first in first out, with selective receive. Within a thread senders wait for room; senders in
 * other threads have room reserved for them (see `reservations.ts`), or wait too.
 */
import { Deque } from './deque.ts'
import type { ReceiveWindow } from './receive-window.ts'
import type { Envelope } from './message.ts'

/** Who waits for a message. */
export interface Waiter {
  /** Only a message of this topic. */
  readonly topic: string | undefined
  take(envelope: Envelope): void
  /** The mailbox was shut. */
  end(): void
}

/** A sender in this thread that waits for room. While one waits, the room is used or reserved; while somebody waits for a message, the queue is empty. */
interface Sender {
  readonly envelope: Envelope
  /** Whether the message is not to be put any more. */
  readonly held: { readonly withdrawn: boolean }
  readonly accepted: (done: boolean) => void
}

/** Whose mailbox it is. */
export interface MailboxOwner {
  /** A message had to give way: a selective receive ran, and what it passed over no longer fits. */
  onOverflow(envelope: Envelope): void
  /** A message from another thread was taken, or freed its room. */
  onFlow(receiveWindow: ReceiveWindow): void
}

export class Mailbox {
  readonly capacity: number
  readonly #queue = new Deque<Envelope>()
  /** Passed over by a selective receive; older than all in the queue, and without a claim on room. */
  #stash: Deque<Envelope> | undefined
  #topics: Map<string, Mailbox> | undefined
  /** Most often one or none. */
  #waiters: Waiter[] | undefined
  #senders: Deque<Sender> | undefined
  readonly #owner: MailboxOwner
  /** The mailbox of the process, of which this one may be a topic's. */
  readonly #whole: Mailbox
  #isShut = false
  #reserved = 0

  /** @param capacity Messages that may wait to be taken. */
  constructor(capacity: number, owner: MailboxOwner, whole?: Mailbox) {
    this.capacity = capacity
    this.#owner = owner
    this.#whole = whole ?? this
  }

  /** Room that is reserved for messages of other threads, whatever their topic. */
  get reserved(): number {
    return this.#reserved
  }

  /** Room that is neither used nor reserved; none while a sender waits. */
  get free(): number {
    let free = this.#free
    for (const own of this.#topics?.values() ?? none) free = Math.min(free, own.#free)
    return free
  }

  get #free(): number {
    if (sizeOf(this.#senders) > 0) return 0
    return Math.max(0, this.capacity - this.#queue.size - this.#whole.reserved)
  }

  /** Reserves room for `count` messages, or as much as there is. @param limit Beyond so much nothing is reserved. */
  reserve(count: number, limit: number): number {
    const reserved = Math.max(0, Math.min(count, limit - this.#reserved, this.free))
    this.#reserved += reserved
    return reserved
  }

  /** Room that was reserved is not used. */
  release(count: number): void {
    if (count === 0) return
    this.#reserved -= count
    this.#admit()
    for (const own of this.#topics?.values() ?? none) own.#admit()
  }

  /** Puts a message into room that was reserved for it. */
  putReserved(envelope: Envelope): void {
    this.#reserved -= 1
    this.put(envelope)
  }

  /** Messages that wait to be taken. */
  get size(): number {
    let size = this.#queue.size + sizeOf(this.#stash)
    for (const own of this.#topics?.values() ?? none) size += own.size
    return size
  }

  /** Whether {@link shut} ended it. */
  get isShut(): boolean {
    return this.#isShut
  }

  /** Whether a sender in this thread may put a message now. */
  hasRoom(topic: string): boolean {
    const box = this.#boxOf(topic)
    return box.#queue.size + this.#reserved < box.capacity && sizeOf(box.#senders) === 0
  }

  /** Puts a message as soon as there is room, in the order of asking. @param accepted - Hears of it: `false` when the mailbox was closed before. */
  putWhenRoom(envelope: Envelope, held: { readonly withdrawn: boolean }, accepted: (done: boolean) => void): void {
    this.#boxOf(envelope.topic).#enqueue({ envelope, held, accepted })
  }

  put(envelope: Envelope): void {
    this.#boxOf(envelope.topic).#put(envelope)
  }

  #boxOf(topic: string): Mailbox {
    return this.#topics?.get(topic) ?? this
  }

  #put(envelope: Envelope): void {
    if (this.#waiters === undefined) this.#queue.push(envelope)
    else if (!this.#hand(envelope, true)) this.#setAside(envelope, true)
  }

  /** Gives a message to the first who waits for it, if anyone does. */
  #hand(envelope: Envelope, heldRoom: boolean): boolean {
    const waiter = this.#waiters?.find(({ topic }) => topic === undefined || topic === envelope.topic)
    if (waiter === undefined) return false
    this.giveUp(waiter)
    this.#taken(envelope, heldRoom)
    waiter.take(envelope)
    return true
  }

  /** Takes the next message, of one topic if given, if there is one. */
  take(topic?: string): Envelope | undefined {
    const stashed = this.#stash === undefined ? undefined : takeOf(this.#stash, topic)
    if (stashed !== undefined) {
      this.#taken(stashed, false)
      return stashed
    }
    for (let envelope = this.#queue.shift(); envelope !== undefined; envelope = this.#queue.shift()) {
      const found = topic === undefined || envelope.topic === topic
      if (found) this.#taken(envelope, true)
      else this.#setAside(envelope, true)
      if (this.#senders !== undefined) this.#admit()
      if (found) return envelope
    }
    return undefined
  }

  /** Gives the next message to `waiter`, once. Only after {@link take} answered nothing. */
  wait(waiter: Waiter): void {
    if (this.#waiters === undefined) this.#waiters = [waiter]
    else this.#waiters.push(waiter)
  }

  giveUp(waiter: Waiter): void {
    if (this.#waiters === undefined) return
    if (this.#waiters.length > 1) this.#waiters = this.#waiters.filter((other) => other !== waiter)
    else if (this.#waiters[0] === waiter) this.#waiters = undefined
  }

  /** A mailbox of its own for one topic, with a capacity of its own; what already waits moves into it. */
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

  /** Ends {@link open}: what waits goes back to the others. */
  shut(topic: string): void {
    const own = this.#topics?.get(topic)
    if (own === undefined) return
    this.#topics?.delete(topic)
    own.#isShut = true
    for (const envelope of drain(own.#stash)) if (!this.#hand(envelope, false)) this.#setAside(envelope, false)
    for (const envelope of own.#queue.drain()) this.put(envelope)
    for (const sender of drain(own.#senders)) this.#enqueue(sender)
    this.#admit()
    for (const waiter of own.#waiters ?? []) waiter.end()
    own.#waiters = undefined
  }

  /** Empties it for good: returns what was not taken, and lets the senders go that wait for room. */
  close(): Envelope[] {
    const own = [...(this.#topics?.values() ?? [])].flatMap((mailbox) => mailbox.close())
    const envelopes = [...drain(this.#stash), ...this.#queue.drain(), ...own]
    for (const sender of drain(this.#senders)) sender.accepted(false)
    this.#waiters = undefined
    return envelopes
  }

  #keep(envelope: Envelope): void {
    this.#stash ??= new Deque()
    this.#stash.push(envelope)
  }

  #enqueue(sender: Sender): void {
    this.#senders ??= new Deque()
    this.#senders.push(sender)
  }

  /** Lets in the senders that there is room for. */
  #admit(): void {
    while (this.#queue.size + this.#whole.reserved < this.capacity) {
      const sender = this.#senders?.shift()
      if (sender === undefined) return
      if (sender.held.withdrawn) continue
      this.#put(sender.envelope)
      sender.accepted(true)
    }
  }

  /** A selective receive does not want this message. It frees its room, but is not taken yet. */
  #setAside(envelope: Envelope, heldRoom: boolean): void {
    const fits = sizeOf(this.#stash) < this.capacity
    if (fits) this.#keep(envelope)
    else {
      envelope.receiveWindow?.taken(envelope.sequence)
      this.#owner.onOverflow(envelope)
    }
    if (envelope.receiveWindow === undefined) return
    if (heldRoom) envelope.receiveWindow.free()
    this.#owner.onFlow(envelope.receiveWindow)
  }

  #taken(envelope: Envelope, heldRoom: boolean): void {
    if (envelope.receiveWindow === undefined) return
    envelope.receiveWindow.taken(envelope.sequence)
    if (heldRoom) envelope.receiveWindow.free()
    this.#owner.onFlow(envelope.receiveWindow)
  }
}

const none: readonly Mailbox[] = []

function sizeOf(deque: Deque<object> | undefined): number {
  return deque === undefined ? 0 : deque.size
}

function drain<T extends object>(deque: Deque<T> | undefined): T[] {
  return deque === undefined ? [] : deque.drain()
}

function takeOf(envelopes: Deque<Envelope>, topic: string | undefined): Envelope | undefined {
  return topic === undefined ? envelopes.shift() : envelopes.take((envelope) => envelope.topic === topic)
}
