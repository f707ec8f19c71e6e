/**
 * A process's mailbox: bounded, first in first out, with selective receive. Within a thread senders wait for room; senders in
 * other threads hold credits (see `flow.ts`), so their letters always find room here.
 */
import { Deque } from './deque.ts'
import type { Letter } from './letter.ts'

/** Takes a letter; used once. */
type Taker = (letter: Letter) => void

interface Waiter {
  readonly topic: string | undefined
  readonly take: Taker
}

/** A sender in this thread that waits for room. */
interface Sender {
  readonly letter: Letter
  readonly accepted: (done: boolean) => void
}

export interface MailboxOptions {
  /** Letters that may wait to be taken. */
  readonly capacity: number
  /** Called for a letter that had to give way: a selective receive ran, and what it passed over no longer fits. */
  readonly onOverflow: (letter: Letter) => void
  /** Called when room was freed for a sender in another thread. */
  readonly onFlow: (letter: Letter) => void
}

export class Mailbox {
  readonly capacity: number
  readonly #queue = new Deque<Letter>()
  /** Passed over by a selective receive; older than all in the queue. */
  readonly #stash = new Deque<Letter>()
  readonly #topics = new Map<string, Mailbox>()
  readonly #waiters: Waiter[] = []
  readonly #senders = new Deque<Sender>()
  readonly #options: MailboxOptions

  constructor(options: MailboxOptions) {
    this.capacity = options.capacity
    this.#options = options
  }

  /** Letters that wait to be taken. */
  get size(): number {
    let size = this.#queue.size + this.#stash.size
    for (const own of this.#topics.values()) size += own.size
    return size
  }

  /** Whether a sender in this thread may put a letter now. */
  hasRoom(topic: string): boolean {
    return this.#senders.size === 0 && this.#free(topic)
  }

  #free(topic: string): boolean {
    const own = this.#topics.get(topic)
    return own === undefined ? this.#queue.size < this.capacity : own.#queue.size < own.capacity
  }

  /** Puts a letter as soon as there is room, in the order of asking. Answers false when the mailbox was closed before that. */
  putWhenRoom(letter: Letter): Promise<boolean> {
    return new Promise((accepted) => {
      this.#senders.push({ letter, accepted })
    })
  }

  put(letter: Letter): void {
    const own = this.#topics.get(letter.topic)
    if (own !== undefined) own.put(letter)
    else if (!this.#hand(letter)) this.#queue.push(letter)
  }

  /** Gives a letter to whoever waits for it. */
  #hand(letter: Letter): boolean {
    if (this.#waiters.length === 0) return false
    const at = this.#waiters.findIndex((waiter) => waiter.topic === undefined || waiter.topic === letter.topic)
    const [waiter] = at === -1 ? [] : this.#waiters.splice(at, 1)
    if (waiter === undefined) {
      this.#pass(letter)
      return true
    }
    this.#taken(letter, true)
    waiter.take(letter)
    return true
  }

  /** Takes the next letter, of one topic if given, if there is one. */
  take(topic?: string): Letter | undefined {
    return topic === undefined ? this.#takeFirst() : this.#takeOf(topic)
  }

  #takeFirst(): Letter | undefined {
    const stashed = this.#stash.shift()
    if (stashed !== undefined) {
      this.#taken(stashed, false)
      return stashed
    }
    const letter = this.#queue.shift()
    if (letter !== undefined) this.#taken(letter, true)
    return letter
  }

  #takeOf(topic: string): Letter | undefined {
    const stashed = this.#stash.take((letter) => letter.topic === topic)
    if (stashed !== undefined) {
      this.#taken(stashed, false)
      return stashed
    }
    for (let letter = this.#queue.shift(); letter !== undefined; letter = this.#queue.shift()) {
      if (letter.topic === topic) {
        this.#taken(letter, true)
        return letter
      }
      this.#pass(letter)
    }
    return undefined
  }

  /** Calls `take` with the next letter that comes. Only after {@link take} answered nothing. Returns how to give up. */
  wait(topic: string | undefined, take: Taker): () => void {
    const waiter = { topic, take }
    this.#waiters.push(waiter)
    return () => {
      const at = this.#waiters.indexOf(waiter)
      if (at !== -1) this.#waiters.splice(at, 1)
    }
  }

  /** A mailbox of its own for one topic, with a capacity of its own; what already waits moves into it. */
  open(topic: string): Mailbox {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const own = new Mailbox(this.#options)
    this.#topics.set(topic, own)
    for (const from of [this.#stash, this.#queue]) {
      for (const letter of from.drain()) (letter.topic === topic ? own.#queue : from).push(letter)
    }
    return own
  }

  /** Ends {@link open}: what waits goes back to the others. */
  shut(topic: string): void {
    const own = this.#topics.get(topic)
    if (own === undefined) return
    this.#topics.delete(topic)
    for (const letter of own.#queue.drain()) this.put(letter)
  }

  /** Empties it for good: answers what was not taken, and lets the senders go that wait for room. */
  close(): Letter[] {
    const own = [...this.#topics.values()].flatMap((mailbox) => mailbox.close())
    const letters = [...this.#stash.drain(), ...this.#queue.drain(), ...own]
    for (const sender of this.#senders.drain()) sender.accepted(false)
    this.#waiters.length = 0
    return letters
  }

  /** Sets a letter aside that a selective receive does not want. It frees its room, but is not taken yet. */
  #pass(letter: Letter): void {
    if (this.#stash.size >= this.capacity) this.#options.onOverflow(letter)
    else this.#stash.push(letter)
    this.#freed(letter)
  }

  #taken(letter: Letter, heldRoom: boolean): void {
    letter.flow?.taken(letter.sequence)
    if (heldRoom) this.#freed(letter)
    else if (letter.flow !== undefined) this.#options.onFlow(letter)
  }

  #freed(letter: Letter): void {
    if (letter.flow !== undefined) {
      letter.flow.free()
      this.#options.onFlow(letter)
    }
    const sender = this.#senders.size > 0 ? this.#senders.shift() : undefined
    if (sender === undefined) return
    this.put(sender.letter)
    sender.accepted(true)
  }
}
