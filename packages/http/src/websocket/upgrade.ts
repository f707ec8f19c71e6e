/** Pending upgrades. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { EntryId } from '@troupe/core'
import type { WebSocket } from 'ws'
import { type PendingConnection, PendingConnections } from '../connections/pending-connections.ts'
import type { WebSocketFields } from './kind.ts'

/** A request to become a WebSocket, and its route. */
export interface WebSocketUpgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** Bytes that already arrived after the request. */
  readonly head: Buffer
  readonly route: { readonly entry: EntryId; readonly fields: WebSocketFields }
  /** Parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  /** Whether a page from the requested host belongs to this service. */
  readonly isOwnPage: boolean
  /** @default the socket's */
  readonly remoteAddress?: string
}

export type Upgrade = PendingConnection<WebSocketUpgrade, WebSocket>

export const upgrades = new PendingConnections<WebSocketUpgrade, WebSocket>()
