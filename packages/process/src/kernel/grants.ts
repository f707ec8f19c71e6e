/**
 * Which threads may dial which overlays. A thread gets a route only after it was granted the overlay: because the frame of a process in
 * it has it, because the code in it chose it and was allowed to, or because a message brought it from a thread that had it.
 */
import type { EntryId, Frame } from '@troupe/core'
import { directNetwork } from '@troupe/policy/kernel'
import { always, type Warrant } from './warrants.ts'

/** The clear network is granted like an overlay. */
type Resource = EntryId | typeof directNetwork

type Warranted = Map<Resource, Set<Warrant>>

interface Claim {
  readonly thread: number
  readonly resource: Resource
}

/** Threads that ended and are still remembered: what they sent may still be on its way. */
const maxGone = 1024
/** Claims that wait for one thread; more make no honest threads. */
const maxWaiting = 1024

export class Grants {
  readonly #held = new Map<number, Warranted>()
  readonly #warrants = new WeakMap<Frame, Warrant>()
  /** Claims that wait for the thread which they came by to be granted itself. */
  readonly #waiting = new Map<number, Claim[]>()
  readonly #gone = new Set<number>()
  /** The code in a thread was let choose the clear network. */
  onOpened: (thread: number) => void = () => undefined

  grant(thread: number, overlay: EntryId | null, warrant: Warrant = always): void {
    if (overlay === null) this.onOpened(thread)
    this.#grant(thread, overlay ?? directNetwork, [warrant])
  }

  /** A thread runs something in `frame`: it may dial the overlay of that. */
  grantFrame(thread: number, frame: Frame): void {
    if (frame.overlay !== undefined) this.grant(thread, frame.overlay, this.warrantOf(frame))
  }

  /** Says why a frame has its overlay. */
  warrant(frame: Frame, warrant: Warrant): void {
    if (warrant !== always) this.#warrants.set(frame, warrant)
  }

  warrantOf(frame: Frame): Warrant {
    return this.#warrants.get(frame) ?? always
  }

  holds(thread: number, overlay: EntryId | null): boolean {
    return this.standing(thread, overlay) !== undefined
  }

  /** Why a thread may use an overlay now, if it may. */
  standing(thread: number, overlay: EntryId | null): Warrant | undefined {
    return this.#held
      .get(thread)
      ?.get(overlay ?? directNetwork)
      ?.values()
      .find(({ stands }) => stands)
  }

  /** A message brought `overlay` to `thread` from thread `via`: granted if, or as soon as, that one holds it. */
  claim(thread: number, overlay: EntryId | null, via: number): void {
    const resource = overlay ?? directNetwork
    const held = this.#held.get(via)?.get(resource)
    if (held !== undefined) this.#grant(thread, resource, held)
    else this.#await(via, { thread, resource })
  }

  #await(via: number, claim: Claim): void {
    const waiting = this.#waiting.get(via) ?? []
    const isKnown = waiting.some(({ thread, resource }) => thread === claim.thread && resource === claim.resource)
    if (!isKnown && waiting.length < maxWaiting) this.#waiting.set(via, [...waiting, claim])
  }

  /** A thread ended. Its grants stay known for a while, for the messages that it sent last. */
  threadGone(thread: number): void {
    this.#waiting.delete(thread)
    if (!this.#held.has(thread)) return
    this.#gone.add(thread)
    if (this.#gone.size <= maxGone) return
    const [oldest] = this.#gone
    if (oldest === undefined) return
    this.#gone.delete(oldest)
    this.#held.delete(oldest)
  }

  #grant(thread: number, resource: Resource, warrants: Iterable<Warrant>): void {
    const held: Warranted = this.#held.get(thread) ?? new Map()
    const known = held.get(resource) ?? new Set()
    const added = [...warrants].filter((warrant) => !known.has(warrant))
    if (added.length === 0) return
    for (const warrant of added) known.add(warrant)
    this.#held.set(thread, held.set(resource, known))
    const waiting = this.#waiting.get(thread)
    if (waiting === undefined) return
    this.#waiting.set(
      thread,
      waiting.filter((claim) => claim.resource !== resource),
    )
    for (const claim of waiting) if (claim.resource === resource) this.#grant(claim.thread, resource, known)
  }
}
