/** What the state machine of the membership asks for. */
import type { NodeRecord } from './record.ts'

/** A record to write. */
export interface Write {
  /** Identifies it in the answer. */
  readonly id: number
  readonly purpose: 'probe' | 'join' | 'renewal' | 'certificate' | 'leave'
  /** The node whose record it is. */
  readonly node: string
  readonly record: NodeRecord
  /**
   * The revision that the record must have, so that the write is accepted; 0: there must be none. Absent for a probe,
   * which is always accepted.
   */
  readonly expected?: number
}

/** A node, in one of its lives. */
export interface Incarnation {
  readonly node: string
  readonly incarnation: number
}

export type MembershipEvent =
  | ({ readonly type: 'joined' | 'left' } & Incarnation)
  /** `by`: the node that wrote the certificate; absent where its record was replaced or deleted. */
  | ({ readonly type: 'died'; readonly by?: string } & Incarnation)
  /** A living node has our name. */
  | ({ readonly type: 'taken' } & Incarnation)

export type Effect =
  | { readonly type: 'write'; readonly write: Write }
  /** Read the record of a node at the leader of the bucket: the watch may be late. */
  | { readonly type: 'read'; readonly node: string }
  | { readonly type: 'event'; readonly event: MembershipEvent }
