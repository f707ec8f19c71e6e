/** Upgrades under way: the server holds the socket, while a process is started that speaks for the connection. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type EntryId, invalid, type Pid } from '@troupe/core'
import { ask } from '@troupe/process'
import type { WebSocket } from 'ws'
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
  /** @default the socket's */
  readonly remoteAddress?: string
}

const waiting = new Map<string, Upgrade>()

export class Upgrade {
  readonly asked: WebSocketUpgrade
  readonly #ticket = randomUUID()
  readonly #partner = Promise.withResolvers<Pid>()
  readonly #socket = Promise.withResolvers<WebSocket | undefined>()

  constructor(asked: WebSocketUpgrade) {
    this.asked = asked
    this.#partner.promise.catch(() => undefined)
  }

  /** The upgrade that a connection is to speak for. @throws TroupeError `Invalid` */
  static take(ticket: string): Upgrade {
    const upgrade = waiting.get(ticket)
    waiting.delete(ticket)
    if (upgrade === undefined) throw invalid('no upgrade waits for this connection')
    return upgrade
  }

  /**
   * Settles when there is a process to speak to. Acts for who acts now.
   *
   * @throws TroupeError `Unavailable`, `NotFound`, `PermissionDenied`
   */
  async open(): Promise<void> {
    waiting.set(this.#ticket, this)
    try {
      await ask('openConnection', { entry: this.asked.route.entry, ticket: this.#ticket })
      await this.#partner.promise
    } finally {
      waiting.delete(this.#ticket)
    }
  }

  /** The process to speak to was found, or was not. */
  async found(partner: Promise<Pid>): Promise<Pid | undefined> {
    try {
      const pid = await partner
      this.#partner.resolve(pid)
      return pid
    } catch (error) {
      this.#partner.reject(error)
      return undefined
    }
  }

  /** The socket, once it is one; nothing when the other side has gone. */
  get socket(): Promise<WebSocket | undefined> {
    return this.#socket.promise
  }

  complete(socket: WebSocket): void {
    this.#socket.resolve(socket)
  }

  abandon(): void {
    this.#socket.resolve(undefined)
  }
}
