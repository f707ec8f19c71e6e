/**
 * A process's mailbox: bounded, first in first out, with selective receive. Within a thread senders wait for room; senders in
 * other threads have room reserved for them (see `reservations.ts`), or wait too.
 */
import { Deque } from './deque.ts'
import type { Flow } from './receive-window.ts'
import type { Letter } from './message.ts'

/** Who waits for a letter. */
export interface Waiter {
  /** Only a letter of this topic. */
  readonly topic: string | undefined
  take(letter: Letter): void
  /** The mailbox was shut. */
  end(): void
}

/** A sender in this thread that waits for room. While one waits, the room is used or reserved; while somebody waits for a letter, the queue is empty. */
interface Sender {
  readonly letter: Letter
  /** Whether the letter is not to be put any more. */
  readonly held: { readonly withdrawn: boolean }
  readonly accepted: (done: boolean) => void
}

/** Whose mailbox it is. */
export interface MailboxOwner {
  /** A letter had to give way: a selective receive ran, and what it passed over no longer fits. */
  onOverflow(letter: Letter): void
  /** A letter from another thread was taken, or freed its room. */
  onFlow(flow: Flow): void
}

export class Mailbox {
  readonly capacity: number
  readonly #queue = new Deque<Letter>()
  /** Passed over by a selective receive; older than all in the queue, and without a claim on room. */
  #stash: Deque<Letter> | undefined
  #topics: Map<string, Mailbox> | undefined
  /** Most often one or none. */
  #waiters: Waiter[] | undefined
  #senders: Deque<Sender> | undefined
  readonly #owner: MailboxOwner
  /** The mailbox of the process, of which this one may be a topic's. */
  readonly #whole: Mailbox
  #isShut = false
  #reserved = 0

  /** @param capacity Letters that may wait to be taken. */
  constructor(capacity: number, owner: MailboxOwner, whole?: Mailbox) {
    this.capacity = capacity
    this.#owner = owner
    this.#whole = whole ?? this
  }

  /** Room that is reserved for letters of other threads, whatever their topic. */
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

  /** Reserves room for `count` letters, or as much as there is. @param limit Beyond so much nothing is reserved. */
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

  /** Puts a letter into room that was reserved for it. */
  putReserved(letter: Letter): void {
    this.#reserved -= 1
    this.put(letter)
  }

  /** Letters that wait to be taken. */
  get size(): number {
    let size = this.#queue.size + sizeOf(this.#stash)
    for (const own of this.#topics?.values() ?? none) size += own.size
    return size
  }

  /** Whether {@link shut} ended it. */
  get isShut(): boolean {
    return this.#isShut
  }

  /** Whether a sender in this thread may put a letter now. */
  hasRoom(topic: string): boolean {
    const box = this.#boxOf(topic)
    return box.#queue.size + this.#reserved < box.capacity && sizeOf(box.#senders) === 0
  }

  /** Puts a letter as soon as there is room, in the order of asking. @param accepted - Hears of it: `false` when the mailbox was closed before. */
  putWhenRoom(letter: Letter, held: { readonly withdrawn: boolean }, accepted: (done: boolean) => void): void {
    this.#boxOf(letter.topic).#enqueue({ letter, held, accepted })
  }

  put(letter: Letter): void {
    this.#boxOf(letter.topic).#put(letter)
  }

  #boxOf(topic: string): Mailbox {
    return this.#topics?.get(topic) ?? this
  }

  #put(letter: Letter): void {
    if (this.#waiters === undefined) this.#queue.push(letter)
    else if (!this.#hand(letter, true)) this.#setAside(letter, true)
  }

  /** Gives a letter to the first who waits for it, if anyone does. */
  #hand(letter: Letter, heldRoom: boolean): boolean {
    const waiter = this.#waiters?.find(({ topic }) => topic === undefined || topic === letter.topic)
    if (waiter === undefined) return false
    this.giveUp(waiter)
    this.#taken(letter, heldRoom)
    waiter.take(letter)
    return true
  }

  /** Takes the next letter, of one topic if given, if there is one. */
  take(topic?: string): Letter | undefined {
    const stashed = this.#stash === undefined ? undefined : takeOf(this.#stash, topic)
    if (stashed !== undefined) {
      this.#taken(stashed, false)
      return stashed
    }
    for (let letter = this.#queue.shift(); letter !== undefined; letter = this.#queue.shift()) {
      const found = topic === undefined || letter.topic === topic
      if (found) this.#taken(letter, true)
      else this.#setAside(letter, true)
      if (this.#senders !== undefined) this.#admit()
      if (found) return letter
    }
    return undefined
  }

  /** Gives the next letter to `waiter`, once. Only after {@link take} answered nothing. */
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
    for (const letter of drain(this.#stash)) (letter.topic === topic ? own : this).#keep(letter)
    for (const letter of this.#queue.drain()) (letter.topic === topic ? own : this).#queue.push(letter)
    for (const sender of drain(this.#senders)) (sender.letter.topic === topic ? own : this).#enqueue(sender)
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
    for (const letter of drain(own.#stash)) if (!this.#hand(letter, false)) this.#setAside(letter, false)
    for (const letter of own.#queue.drain()) this.put(letter)
    for (const sender of drain(own.#senders)) this.#enqueue(sender)
    this.#admit()
    for (const waiter of own.#waiters ?? []) waiter.end()
    own.#waiters = undefined
  }

  /** Empties it for good: answers what was not taken, and lets the senders go that wait for room. */
  close(): Letter[] {
    const own = [...(this.#topics?.values() ?? [])].flatMap((mailbox) => mailbox.close())
    const letters = [...drain(this.#stash), ...this.#queue.drain(), ...own]
    for (const sender of drain(this.#senders)) sender.accepted(false)
    this.#waiters = undefined
    return letters
  }

  #keep(letter: Letter): void {
    this.#stash ??= new Deque()
    this.#stash.push(letter)
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
      this.#put(sender.letter)
      sender.accepted(true)
    }
  }

  /** A selective receive does not want this letter. It frees its room, but is not taken yet. */
  #setAside(letter: Letter, heldRoom: boolean): void {
    const fits = sizeOf(this.#stash) < this.capacity
    if (fits) this.#keep(letter)
    else {
      letter.flow?.taken(letter.sequence)
      this.#owner.onOverflow(letter)
    }
    if (letter.flow === undefined) return
    if (heldRoom) letter.flow.free()
    this.#owner.onFlow(letter.flow)
  }

  #taken(letter: Letter, heldRoom: boolean): void {
    if (letter.flow === undefined) return
    letter.flow.taken(letter.sequence)
    if (heldRoom) letter.flow.free()
    this.#owner.onFlow(letter.flow)
  }
}

const none: readonly Mailbox[] = []

function sizeOf(deque: Deque<object> | undefined): number {
  return deque === undefined ? 0 : deque.size
}

function drain<T extends object>(deque: Deque<T> | undefined): T[] {
  return deque === undefined ? [] : deque.drain()
}

function takeOf(letters: Deque<Letter>, topic: string | undefined): Letter | undefined {
  return topic === undefined ? letters.shift() : letters.take((letter) => letter.topic === topic)
}
