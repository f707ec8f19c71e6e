/** Upgrades under way. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { EntryId } from '@troupe/core'
import type { WebSocket } from 'ws'
import { type PendingConnection, PendingConnections } from '../connections/pending-connections.ts'
import type { WebSocketFields } from './kind.ts'

/** A request that wants to become a WebSocket, and where it was routed to. */
export interface WebSocketUpgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came behind the request already. */
  readonly head: Buffer
  readonly route: { readonly entry: EntryId; readonly fields: WebSocketFields }
  /** Parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  /** Whether a page of the host that was asked is one of this service. */
  readonly isOwnPage: boolean
  /** @default the socket's */
  readonly remoteAddress?: string
}

export type Upgrade = PendingConnection<WebSocketUpgrade, WebSocket>

export const upgrades = new PendingConnections<WebSocketUpgrade, WebSocket>()
