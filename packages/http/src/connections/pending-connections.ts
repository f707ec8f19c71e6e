/** Connections that are about to be opened: the server holds the request, while a process is started that speaks for the connection. */
import { randomUUID } from 'node:crypto'
import { type EntryId, invalid, type Pid } from '@troupe/core'
import { ask } from '@troupe/process'

/** What a request asks for, and where it was routed to. */
export interface Asked {
  readonly route: { readonly entry: EntryId }
}

/** Of one kind of connections, in this thread. */
export class PendingConnections<Request extends Asked, Line> {
  readonly #waiting = new Map<string, PendingConnection<Request, Line>>()

  begin(asked: Request): PendingConnection<Request, Line> {
    return new PendingConnection(asked, this.#waiting)
  }

  /** The one that a process is to speak for. @throws TroupeError `Invalid` */
  claim(ticket: string): PendingConnection<Request, Line> {
    const pending = this.#waiting.get(ticket)
    this.#waiting.delete(ticket)
    if (pending === undefined) throw invalid('nothing waits for this connection')
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
   * Settles when there is a process to speak to. Acts for who acts now.
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

  /** What carries the connection, once it is there; nothing when the other side has gone. */
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
