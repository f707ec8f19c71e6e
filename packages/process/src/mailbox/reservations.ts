/**
 * Room of a mailbox that is reserved for threads which send to it, so that their senders need not wait for each letter to be accepted.
 * At most half of the mailbox is reserved and unused at a time: the rest is for senders of the same thread, and for letters that come without a
 * reservation. A thread that holds a reservation and never comes back to its event loop keeps nobody out.
 */
import { Flow, type FlowReport } from './receive-window.ts'
import type { Mailbox } from './mailbox.ts'

export class Reservations {
  readonly #mailbox: Mailbox
  readonly #flows = new Map<number, Flow>()

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox
  }

  get flows(): ReadonlyMap<number, Flow> {
    return this.#flows
  }

  /** The flow of a sending thread. */
  flow(thread: number): Flow {
    const known = this.#flows.get(thread)
    if (known !== undefined) return known
    const flow = new Flow(thread)
    this.#flows.set(thread, flow)
    return flow
  }

  /** What may be reserved for one thread. */
  get share(): number {
    return Math.floor(this.#limit / Math.max(1, this.#flows.size))
  }

  get #limit(): number {
    return this.#mailbox.capacity >> 1
  }

  /** Reserves room for a thread up to its share, as far as there is some, and returns what to tell it. */
  report(flow: Flow): FlowReport {
    const { share } = this
    // What was given back because others need it is not reserved for the same thread again, before it sends.
    const credits = flow.gaveBack ? 0 : this.#mailbox.reserve(share - flow.reserved, this.#limit)
    return flow.report(credits, share, this.#mailbox.free)
  }

  /** Whether a thread should hear of room before any is taken: it has used half of what was reserved for it. */
  runsLow(flow: Flow): boolean {
    return flow.reserved <= this.share >> 1
  }

  /** The threads that hold more than `keep`, and were not asked yet to give it back. Asks them once. */
  ask(keep: number): readonly Flow[] {
    const asked = [...this.#flows.values()].filter((flow) => flow.reserved > keep && !flow.isAsked)
    for (const flow of asked) flow.isAsked = true
    return asked
  }

  /** What others may keep of what is reserved for them, where nothing is left to reserve for a thread that has nothing. */
  keptFrom(flow: Flow): number | undefined {
    if (flow.reserved > 0 || this.#mailbox.reserved === 0) return undefined
    return this.#mailbox.free === 0 ? 0 : this.share
  }

  /** Threads that hold nothing, and would if there were room. */
  starved(): readonly Flow[] {
    return [...this.#flows.values()].filter((flow) => flow.reserved === 0 && !flow.gaveBack)
  }

  /** A thread gives room back, as it was asked to. */
  giveBack(flow: Flow, count: number): void {
    flow.gaveBack = flow.isAsked
    flow.isAsked = false
    this.#mailbox.release(flow.giveBack(count))
  }

  /** A sending thread is gone: the room that it had is for others. */
  remove(thread: number): void {
    const flow = this.#flows.get(thread)
    if (flow === undefined) return
    this.#flows.delete(thread)
    this.giveBack(flow, flow.reserved)
  }
}
