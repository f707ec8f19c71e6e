/**
 * Who is a member of the cluster: a state machine without clocks and connections. Its driver reports what it sees in
 * the bucket `nodes` and what became of writes, each with the time of one monotonic clock, and carries out the effects.
 *
 * - A member renews its record by compare-and-set. Until `lease` − {@link margin} after it sent the last renewal that
 *   was accepted it is a member; then it is lapsed.
 * - A node whose record was not renewed for `lease` + {@link margin} gets a death certificate, by compare-and-set on
 *   the last revision seen: a renewal in between defeats it. Time in which the bucket accepted nothing does not count.
 */
import type { Effect, MembershipEvent, Write } from './effects.ts'
import { SeenRecords } from './other-nodes.ts'
import { AcceptanceProof } from './proof.ts'
import { livingIncarnation, type NodeRecord } from './record.ts'

/** Milliseconds that clocks and timers of two nodes may differ in one lease. */
export const margin = 100

export interface MembershipOptions {
  readonly node: string
  /** Random: identifies this program. */
  readonly boot: string
  /** Milliseconds. */
  readonly lease: number
}

interface Pending extends Write {
  readonly sentAt: number
}

/** Our own place. `sentAt`: when the last accepted record was sent. */
type Place =
  | { readonly phase: 'joining' | 'left' }
  | {
      readonly phase: 'member' | 'leaving'
      readonly incarnation: number
      readonly revision: number
      readonly sentAt: number
    }

export class Membership {
  readonly #options: MembershipOptions
  readonly #seen = new SeenRecords()
  readonly #proof: AcceptanceProof
  readonly #pending = new Map<number, Pending>()
  /** When each of our records was sent, by its number. */
  readonly #sent = new Map<number, number>()
  #place: Place = { phase: 'joining' }
  #isStopping = false
  #isReady = false
  #lastId = 0
  #lastBeat = 0
  #beatAt = -Infinity
  #joinAt = -Infinity
  #leaveAt = -Infinity

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#proof = new AcceptanceProof(options.lease / 2)
  }

  get phase(): Place['phase'] {
    return this.#place.phase
  }

  /** Our incarnation, while we have one. */
  get incarnation(): number | undefined {
    return 'incarnation' in this.#place ? this.#place.incarnation : undefined
  }

  /** Until when we may act as the owner of anything. */
  get validUntil(): number {
    return this.#place.phase === 'member' ? this.#place.sentAt + this.#options.lease - margin : -Infinity
  }

  /** All nodes that are members according to their records. */
  living(): ReturnType<SeenRecords['living']> {
    return this.#seen.living()
  }

  /** The records that existed when the watch began have been seen. */
  ready(now: number): Effect[] {
    this.#isReady = true
    return this.tick(now)
  }

  /** Asks for what is due. */
  tick(now: number): Effect[] {
    const { phase } = this.#place
    if (!this.#isReady || phase === 'left') return []
    return [...this.#beat(now), ...this.#join(now), ...this.#leave(now), ...this.#certificates(now)]
  }

  /** When {@link tick} has something to do next. */
  due(now: number): number {
    if (!this.#isReady || this.#place.phase === 'left') return Infinity
    let next = (this.#place.phase === 'leaving' ? this.#leaveAt : this.#beatAt) + this.#interval
    // A deadline that has passed is looked at with each record that we write.
    for (const { record, seenAt } of this.#seen.all()) {
      const deadline = record?.state === 'alive' ? this.#deadline(record, seenAt) : Infinity
      if (deadline > now) next = Math.min(next, deadline)
    }
    return next
  }

  /** A record was seen: in the watch, or read. */
  see(node: string, revision: number, record: NodeRecord | undefined, now: number): Effect[] {
    const events = this.#seen.add({ node, revision, record, seenAt: now })
    if (events === undefined) return []
    if (node === this.#options.node) return [...this.#seeOwn(revision, record, events), ...this.tick(now)]
    return events.map(asEffect)
  }

  /** A write was accepted, as that revision. */
  accepted(id: number, revision: number, now: number): Effect[] {
    const write = this.#settle(id)
    this.#proof.accepted(now)
    if (write === undefined || write.purpose === 'probe') return this.tick(now)
    return this.see(write.node, revision, write.record, now)
  }

  /** A write was refused: the record has another revision. */
  refused(id: number): Effect[] {
    const write = this.#settle(id)
    this.#endUnjoined()
    return write === undefined ? [] : [{ type: 'read', node: write.node }]
  }

  /** It is not known what became of a write. */
  failed(id: number): void {
    this.#settle(id)
    this.#endUnjoined()
  }

  /** Ends the membership with a record of our own. The phase is `left` when that was accepted. */
  stop(now: number): Effect[] {
    this.#isStopping = true
    if (this.#place.phase === 'member') this.#place = { ...this.#place, phase: 'leaving' }
    this.#endUnjoined()
    return this.tick(now)
  }

  /** A node that stops before it has joined leaves nothing behind, unless it may join yet. */
  #endUnjoined(): void {
    const mayJoin = [...this.#pending.values()].some(({ purpose }) => purpose === 'join')
    if (this.#isStopping && this.#place.phase === 'joining' && !mayJoin) this.#place = { phase: 'left' }
  }

  get #interval(): number {
    return this.#options.lease / 4
  }

  #deadline({ lease }: NodeRecord, seenAt: number): number {
    return Math.max(seenAt, this.#proof.since) + lease + margin
  }

  /** A member renews; others write a probe, because only who sees the bucket accept writes may judge silence. */
  #beat(now: number): Effect[] {
    if (now < this.#beatAt + this.#interval || this.#place.phase === 'leaving') return []
    this.#beatAt = now
    const { node } = this.#options
    if (this.#place.phase !== 'member') return [this.#write(now, 'probe', node, this.#own())]
    const { incarnation, revision } = this.#place
    return [this.#write(now, 'renewal', node, this.#own(incarnation), revision)]
  }

  #join(now: number): Effect[] {
    if (this.#place.phase !== 'joining' || this.#isStopping || now < this.#joinAt + this.#interval) return []
    const found = this.#seen.get(this.#options.node)
    // A record of our own program is ours to replace.
    if (found?.record?.state === 'alive' && found.record.boot !== this.#options.boot) return []
    this.#joinAt = now
    return [this.#write(now, 'join', this.#options.node, this.#own(), found?.revision ?? 0)]
  }

  #leave(now: number): Effect[] {
    if (this.#place.phase !== 'leaving' || now < this.#leaveAt + this.#interval) return []
    this.#leaveAt = now
    const { incarnation, revision } = this.#place
    const record: NodeRecord = { ...this.#own(incarnation), state: 'left' }
    return [this.#write(now, 'leave', this.#options.node, record, revision)]
  }

  #certificates(now: number): Effect[] {
    if (!this.#proof.holds(now) || this.#isStopping) return []
    return [...this.#seen.all()].flatMap(({ node, record, revision, seenAt }) => {
      if (record?.state !== 'alive' || now < this.#deadline(record, seenAt) || this.#isOwnRecord(record, node))
        return []
      if ([...this.#pending.values()].some((write) => write.purpose === 'certificate' && write.node === node)) return []
      const incarnation = record.incarnation ?? revision
      const dead: NodeRecord = { ...record, incarnation, state: 'dead', by: this.#options.node }
      return [this.#write(now, 'certificate', node, dead, revision)]
    })
  }

  #isOwnRecord({ boot }: NodeRecord, node: string): boolean {
    return node === this.#options.node && boot === this.#options.boot
  }

  #own(incarnation?: number): NodeRecord {
    const { boot, lease } = this.#options
    this.#lastBeat += 1
    return {
      v: 1,
      state: 'alive',
      boot,
      lease,
      beat: this.#lastBeat,
      ...(incarnation !== undefined && { incarnation }),
    }
  }

  #write(now: number, purpose: Write['purpose'], node: string, record: NodeRecord, expected?: number): Effect {
    this.#lastId += 1
    const write: Write = { id: this.#lastId, purpose, node, record, ...(expected !== undefined && { expected }) }
    this.#pending.set(write.id, { ...write, sentAt: now })
    if (node === this.#options.node && purpose !== 'probe') this.#sent.set(record.beat, now)
    return { type: 'write', write }
  }

  #settle(id: number): Pending | undefined {
    const write = this.#pending.get(id)
    this.#pending.delete(id)
    return write
  }

  /** Our own record has changed. */
  #seeOwn(revision: number, record: NodeRecord | undefined, events: readonly MembershipEvent[]): Effect[] {
    const isOurs = record?.state === 'alive' && record.boot === this.#options.boot
    const sentAt = isOurs ? this.#sent.get(record.beat) : undefined
    const place = this.#place
    if (!('incarnation' in place))
      return place.phase === 'left' ? [] : this.#seeWhileJoining(revision, record, sentAt, events)
    if (isOurs && sentAt !== undefined && record.incarnation === place.incarnation) {
      this.#forgetUntil(record.beat)
      this.#place = { ...place, revision, sentAt: Math.max(place.sentAt, sentAt) }
      return []
    }
    const hasLeft = place.phase === 'leaving' && record?.state === 'left'
    this.#place = { phase: this.#isStopping ? 'left' : 'joining' }
    if (hasLeft) return [asEffect({ type: 'left', node: this.#options.node, incarnation: place.incarnation })]
    const by = record?.state === 'dead' && record.by !== undefined ? { by: record.by } : {}
    return [asEffect({ type: 'died', node: this.#options.node, incarnation: place.incarnation, ...by })]
  }

  #seeWhileJoining(
    revision: number,
    record: NodeRecord | undefined,
    sentAt: number | undefined,
    events: readonly MembershipEvent[],
  ): Effect[] {
    const { node } = this.#options
    if (record !== undefined && sentAt !== undefined && record.incarnation === undefined) {
      this.#forgetUntil(record.beat)
      this.#place = { phase: this.#isStopping ? 'leaving' : 'member', incarnation: revision, revision, sentAt }
      return [asEffect({ type: 'joined', node, incarnation: revision })]
    }
    const living = livingIncarnation(record, revision)
    // It was renewed while we watched, so a node with our name runs.
    if (living !== undefined && living !== revision && record?.boot !== this.#options.boot && events.length === 0)
      return [asEffect({ type: 'taken', node, incarnation: living })]
    return []
  }

  #forgetUntil(beat: number): void {
    for (const number of this.#sent.keys()) if (number <= beat) this.#sent.delete(number)
  }
}

function asEffect(event: MembershipEvent): Effect {
  return { type: 'event', event }
}
