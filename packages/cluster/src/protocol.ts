/** What this package adds to the protocol between threads and the kernel: reports of the link. */
import type { WireError } from '@troupe/core'

declare module '@troupe/process/protocol' {
  interface Requests extends ClusterRequests {}
}

export interface ClusterRequests {
  clusterReport: { ask: LinkReport; answer: void }
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
