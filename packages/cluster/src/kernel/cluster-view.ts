/** What is known of the cluster, and what happens in it. */
import { type Channel, channel } from 'node:diagnostics_channel'
import type { TroupeError } from '@troupe/core'
import type { ReportedNode } from '../protocol.ts'

/**
 * The state of this node. `lapsed`: its renewals are not accepted, so that others may declare it dead, and it may not
 * act as the owner of anything. `stopped`: it has left.
 */
export type ClusterState = 'connecting' | 'joining' | 'member' | 'lapsed' | 'stopped'

export interface ClusterView {
  readonly name: string
  readonly node: string
  readonly state: ClusterState
  /** When that began, in milliseconds since 1970. */
  readonly since: number
  /** Present while this node is a member. */
  readonly incarnation?: number
  /**
   * The nodes that are members according to their records, this one too. `since`: when this node learned that, in
   * milliseconds since 1970.
   */
  readonly nodes: readonly (ReportedNode & { readonly since: number })[]
  readonly server?: { readonly url: string; readonly version: string }
  /** Why it is no member. */
  readonly trouble?: TroupeError
}

/** An event of the channel `troupe:node`, in the program's thread: something happened to a node of the cluster. */
export interface ClusterEvent {
  /** Name of the cluster. */
  readonly cluster: string
  /** `lapsed`: of this node alone. */
  readonly type: 'joined' | 'left' | 'died' | 'lapsed'
  /** Name of the node. */
  readonly node: string
  /** Its incarnation. */
  readonly incarnation: number
  /** Whether it is this node. */
  readonly isOwn: boolean
  /** The node that wrote the death certificate; absent where none did. */
  readonly by?: string
}

/** Publishes each event. */
export const nodeChannel: Channel<object, ClusterEvent> = channel('troupe:node')
