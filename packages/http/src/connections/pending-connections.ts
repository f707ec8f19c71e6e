/**
 * Connections that are being opened: the server holds the request, while the process that handles the connection
 * starts.
 */
import { randomUUID } from 'node:crypto'
import { type EntryId, invalid, type Pid } from '@troupe/core'
import { ask } from '@troupe/process'

/** The request of a connection, and its route. */
export interface Asked {
  readonly route: { readonly entry: EntryId }
}

/** The pending connections of one kind, in this thread. */
export class PendingConnections<Request extends Asked, Line> {
  readonly #waiting = new Map<string, PendingConnection<Request, Line>>()

  begin(asked: Request): PendingConnection<Request, Line> {
    return new PendingConnection(asked, this.#waiting)
  }

  /** Returns the connection that a process is to handle. @throws TroupeError `Invalid` */
  claim(ticket: string): PendingConnection<Request, Line> {
    const pending = this.#waiting.get(ticket)
    this.#waiting.delete(ticket)
    if (pending === undefined) throw invalid('no pending connection has this ticket')
    return pending
  }
}

export class PendingConnection<Request extends Asked, Line> {
  readonly asked: Request
  readonly #waiting: Map<string, PendingConnection<Request, Line>>
  readonly #ticket = randomUUID()
  readonly #partner = Promise.withResolvers<Pid>()
  readonly #line = Promise.withResolvers<Line | undefined>()

  constructor(asked: Request, waiting: Map<string, PendingConnection<Request, Line>>) {
    this.asked = asked
    this.#waiting = waiting
    this.#partner.promise.catch(() => undefined)
  }

  /**
   * Settles when there is a process to talk to. Acts under the current identity.
   *
   * @throws TroupeError `Unavailable`, `NotFound`, `PermissionDenied`
   */
  async open(): Promise<void> {
    this.#waiting.set(this.#ticket, this)
    try {
      await ask('openConnection', { entry: this.asked.route.entry, ticket: this.#ticket })
      await this.#partner.promise
    } finally {
      this.#waiting.delete(this.#ticket)
    }
  }

  /** Records the result of the search for the process to talk to. */
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

  /** Returns the transport of the connection when it is ready; nothing when the client has disconnected. */
  get line(): Promise<Line | undefined> {
    return this.#line.promise
  }

  complete(line: Line): void {
    this.#line.resolve(line)
  }

  abandon(): void {
    this.#line.resolve(undefined)
  }
}
