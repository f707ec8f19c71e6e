/** What the kernel sends to a server. The kernel does not load the server itself. */
import type { Pid, WireError } from '@troupe/core'
import type { RouteTable, ServerSettings } from './routing/route-table.ts'

/** Messages from the kernel to a server. */
export type ServerOrder =
  | { readonly type: 'routes'; readonly table: RouteTable }
  /** Settings that a running server can change. */
  | { readonly type: 'settings'; readonly settings: ServerSettings }
  /** A thread that responded to requests for it has ended. */
  | { readonly type: 'laneEnded'; readonly lane: Pid; readonly error: WireError }
  /** Checks whether it still responds. */
  | { readonly type: 'ping' }

export const orderTopic = 'http.order'
