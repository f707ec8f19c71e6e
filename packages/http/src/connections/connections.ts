/**
 * WebSockets and event streams on the kernel's side: for each a process in the server's thread, and the process that it
 * talks to.
 */
import {
  denied,
  emptyFrame,
  entryId,
  type EntryId,
  fork,
  type Frame,
  invalid,
  namespaceOf,
  notFound,
  type Pid,
  startTimer,
  traceChange,
  unavailable,
} from '@troupe/core'
import {
  type Requester,
  checkReceiver,
  AttachedHost,
  type Kernel,
  type ProcessRecord,
  type Thread,
} from '@troupe/process/kernel'
import type { TokenStoreTable, UsedToken } from '../tokens/store-table.ts'
import { httpRequests } from '../request-rules.ts'
import { eventsKind } from '../events/kind.ts'
import { websocketKind } from '../websocket/kind.ts'
import { HandlerProcess } from './handler-process.ts'
import type { HandlerFields } from './handler-fields.ts'
import { tokenExpired, tokenRevoked } from './reasons.ts'

/** Serials of connections start here: above those of a thread's own processes, below those of calls. */
const firstSerial = 2 ** 32

/** Maximum number of messages to a connection that wait to be written; a sender beyond it waits. */
const queueSize = 64

const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'

/** The kinds of connections, with the programs that run for them. */
const sorts = [
  { kind: websocketKind, module: new URL(`../websocket/connection${extension}`, import.meta.url).href },
  { kind: eventsKind, module: new URL(`../events/connection${extension}`, import.meta.url).href },
]

interface Connection {
  readonly entry: EntryId
  readonly fields: HandlerFields
  /** The token by which it was opened. */
  readonly token: UsedToken | undefined
  /** The process that runs only for this connection. */
  partner?: HandlerProcess
}

export interface ConnectionsOptions {
  readonly kernel: Kernel
  /** The tokens by which connections are opened, because they can be revoked. */
  readonly tokens: TokenStoreTable
}

/**
 * Handles the requests of threads that open connections.
 *
 * @example
 * ```ts
 * answerConnections({ kernel, tokens })
 * ```
 */
export function answerConnections(options: ConnectionsOptions): Connections {
  return new Connections(options)
}

class Connections {
  readonly #kernel: Kernel
  readonly #tokens: TokenStoreTable
  readonly #hosts = new Map<Thread, AttachedHost>()
  readonly #open = new Map<Pid, Connection>()

  constructor({ kernel, tokens }: ConnectionsOptions) {
    this.#kernel = kernel
    this.#tokens = tokens
    tokens.onRevoked(({ store, token }) => {
      for (const [pid, open] of this.#open) {
        if (open.token?.store === store && open.token.token === token)
          kernel.cancel(pid, tokenRevoked).catch(() => undefined)
      }
    })
    kernel.handle('openConnection', httpRequests.openConnection, ({ entry, ticket }, requester) =>
      this.#openOne(entry, ticket, requester),
    )
    kernel.handle('converse', httpRequests.converse, (_, requester) => this.#converse(requester))
  }

  /** Returns the number of connections that are open or pending. */
  get size(): number {
    return this.#open.size
  }

  #openOne(entry: EntryId, ticket: string, { record, thread }: Requester): Pid {
    const { kind } = this.#kernel.registry.get(entry)
    const sort = sorts.find((candidate) => candidate.kind.kind === kind)
    if (sort === undefined) throw invalid(`${entry} is a ${kind}, which accepts no connections`, { entry })
    const { fields, meta } = this.#kernel.registry.decode(entry, sort.kind)
    this.#checkServer(record, entry, meta.router)
    this.#checkRoom(entry, fields)
    const token = this.#tokens.tokenOf(record.pid)
    const connection: Connection = { entry, fields, token }
    const pid: Pid = this.#kernel.spawn({
      entry,
      program: { entry, module: sort.module, method: 'connection' },
      host: this.#hostIn(thread).id,
      args: [ticket],
      frame: frameOf(record.frame, undefined),
      // It runs no code of the application, and dials nothing.
      ...(thread.network && { network: thread.network }),
      accepts: 'any',
      role: 'connection',
      onExit: () => {
        this.#open.delete(pid)
        expiry?.stop()
        connection.partner?.dismiss(fields.closeTimeout)
      },
    })
    this.#open.set(pid, connection)
    const expiry = token && startTimer(() => this.#expire(pid), Math.max(1, token.expires - Date.now())).unref()
    return pid
  }

  #expire(pid: Pid): void {
    this.#kernel.cancel(pid, tokenExpired).catch(() => undefined)
  }

  /** Handles the request of a connection for the process that it talks to. */
  #converse({ record, thread }: Requester): { readonly partner: Pid; readonly isOwn: boolean } {
    const connection = this.#open.get(record.pid)
    if (connection === undefined || connection.partner !== undefined)
      throw denied(`${record.pid} is not a connection that is starting`, {})
    const { entry, fields } = connection
    const partner =
      fields.target === undefined ? this.#start(record, connection, thread) : this.#target(entry, fields.target, thread)
    this.#kernel.privileges.acquaint(thread.number, partner)
    return { partner, isOwn: fields.target === undefined }
  }

  #start(record: ProcessRecord, connection: Connection, thread: Thread): Pid {
    const { entry, fields } = connection
    const { process, host } = fields
    if (process === undefined || host === undefined) throw notFound(`${entry} names no process to start`, { entry })
    const { pin, accepts } = this.#kernel.program(process)
    const { network } = thread
    // A process without a pin follows the service, also where the overlay isolates the actor of a connection.
    const follows = pin === undefined && accepts !== 'any' && typeof network?.overlay === 'string'
    const pid: Pid = this.#kernel.spawn({
      entry: process,
      host,
      args: fields.input,
      frame: frameOf(record.frame, pin),
      ...(follows && network.overlay !== null && { accepts: [...accepts, network.overlay] }),
      monitor: { pid: record.pid, promise: 0 },
      from: thread,
      isSentTo: true,
      onExit: () => {
        connection.partner?.ended()
      },
    })
    connection.partner = new HandlerProcess(this.#kernel, pid)
    return pid
  }

  #target(entry: EntryId, name: string, thread: Thread): Pid {
    const pid = this.#kernel.processes.lookup(name)
    if (pid === undefined) throw unavailable(`${entry}: no process has the name "${name}"`, { entry, name })
    checkReceiver(this.#kernel, pid, name, thread)
    return pid
  }

  /**
   * Checks that the server which an entry belongs to opens the connection: its configuration chose the program that
   * runs.
   */
  #checkServer(record: ProcessRecord, entry: EntryId, router: EntryId): void {
    if (record.pid === this.#kernel.runtime.root.pid) return
    const { server } = this.#kernel.registry.get(router).meta
    if (typeof server === 'string' && record.entry === entryId(server, namespaceOf(router))) return
    throw denied(`${record.pid} does not serve ${entry}`, { entry })
  }

  #checkRoom(entry: EntryId, { maxConnections }: HandlerFields): void {
    if (maxConnections === undefined) return
    const count = this.#open.values().reduce((sum, open) => (open.entry === entry ? sum + 1 : sum), 0)
    if (count >= maxConnections)
      throw unavailable(`${entry} has ${maxConnections} connections already`, { entry, maxConnections })
  }

  /** Connections live in the thread of their sockets. */
  #hostIn(thread: Thread): AttachedHost {
    const { hosts, threads } = this.#kernel
    const known = this.#hosts.get(thread)
    if (known !== undefined) return known
    for (const [other, { id }] of this.#hosts) {
      if (threads.get(other.number) === other) continue
      this.#hosts.delete(other)
      hosts.swap(id, undefined)
    }
    const host = new AttachedHost({
      id: entryId(`troupe:connections-${thread.number}`),
      thread,
      queueSize,
      firstSerial,
    })
    this.#hosts.set(thread, host)
    hosts.add(host)
    return host
  }
}

/** A connection lasts longer than the request that opened it: its frame has no deadline. */
function frameOf(frame: Frame, pin: Frame['overlay']): Frame {
  const { overlay, actor, scope, values } = frame
  return fork(emptyFrame, {
    overlay: pin === undefined ? overlay : pin,
    actor,
    scope,
    values,
    ...traceChange(frame),
  })
}
