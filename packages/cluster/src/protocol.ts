/** What this package adds to the protocol between threads and the kernel: reports of the link. */
import type { EntryId, WireError } from '@troupe/core'
import type { ChannelWords } from '@troupe/process/protocol'
import type { MessagePort } from 'node:worker_threads'

declare module '@troupe/process/protocol' {
  interface Requests extends ClusterRequests {}
  interface ThreadMessages extends LinkMessages {}
}

/** A thread here, and one of another node. */
export interface ThreadPair extends ReportedNode {
  /** Number of the thread here. */
  readonly near: number
  /** Number of the thread there. */
  readonly far: number
}

/** From the kernel to the link. */
export interface LinkMessages {
  /** The link's end of a channel between a thread here, in that network, and one of another node. */
  pairOpened: ThreadPair & {
    readonly overlay: EntryId | null
    readonly port: MessagePort
    readonly words: ChannelWords
  }
  /** A thread of another node cannot reach that thread here. */
  pairRefused: ThreadPair & { readonly error: WireError }
  /** A thread here received what breaks the protocol. */
  pairBroken: ThreadPair & { readonly why: string }
}

export interface ClusterRequests {
  clusterReport: { ask: LinkReport; answer: void }
  /** A thread of another node, in that network, wants to reach a thread here, or agrees to be reached. */
  pairWanted: { ask: ThreadPair & { readonly overlay: EntryId | null }; answer: void }
  /** The channel between two threads is closed. */
  pairClosed: { ask: ThreadPair & { readonly error: WireError }; answer: void }
  /** A node sent what cannot be read, for the `count`th time. */
  nodeMalformed: { ask: ReportedNode & { readonly why: string; readonly count: number }; answer: void }
}

export interface ReportedNode {
  readonly node: string
  readonly incarnation: number
}

/** `taken`: a living node has this name. */
export type NodeEvent = ReportedNode & { readonly type: 'joined' | 'left' | 'died' | 'taken'; readonly by?: string }

/** What the link does now. */
export interface LinkReport {
  readonly phase: 'connecting' | 'joining' | 'member' | 'leaving' | 'left'
  readonly incarnation?: number
  /** Until when this node may act as the owner of anything: milliseconds of the machine's monotonic clock. */
  readonly validUntil: number
  readonly living: readonly ReportedNode[]
  readonly events: readonly NodeEvent[]
  /** The server that it is connected to, and its version. */
  readonly server?: { readonly url: string; readonly version: string }
  /** Why it cannot connect, or cannot use the servers. */
  readonly trouble?: WireError
}
