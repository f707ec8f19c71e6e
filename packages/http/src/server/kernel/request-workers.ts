/** The threads that respond to requests besides those of servers, on the kernel's side: starts and ends them. */
import {
  denied,
  entryId,
  type EntryId,
  errorFromWire,
  fork,
  type Log,
  type Pid,
  threadOf,
  unavailable,
  type WireError,
} from '@troupe/core'
import { functionKind } from '@troupe/functions/kernel'
import type { Requester, Kernel } from '@troupe/process/kernel'
import { MessageChannel } from 'node:worker_threads'
import { endpointKind, routerKind } from '../../config/kinds.ts'
import type { HttpRequests } from '../../protocol.ts'
import { httpRequests } from '../../request-rules.ts'
import { checkEndpointPool } from './endpoint-pool.ts'
import type { WorkerSession } from '../worker/protocol.ts'

const module = new URL(`../worker/main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href
const hostId = entryId('troupe:http-functions')
const settings = {
  isolation: 'thread',
  spares: 1,
  queueSize: 16,
  resourceLimits: { maxYoungGenerationSizeMb: 64 },
} as const

type OpenedWorker = HttpRequests['openLane']['answer']

export interface RequestWorkersOptions {
  readonly kernel: Kernel
  readonly log: Log
  /** Notifies a server that one of its threads has ended. */
  readonly onEnded: (server: Pid, lane: Pid, error: WireError) => void
}

/** Handles the requests of servers for additional threads. */
export function handleRequestWorkers(options: RequestWorkersOptions): RequestWorkers {
  return new RequestWorkers(options)
}

class RequestWorkers {
  readonly #options: RequestWorkersOptions
  /** The server of each thread. */
  readonly #servers = new Map<Pid, Pid>()

  constructor(options: RequestWorkersOptions) {
    this.#options = options
    const { kernel } = options
    kernel.handle('openLane', httpRequests.openLane, ({ endpoint, session }, requester) =>
      this.#open(endpoint, session, requester),
    )
    kernel.handle('closeLane', httpRequests.closeLane, async ({ lane }, { record }) => {
      this.#check(lane, record.pid)
      await kernel.terminate(lane)
    })
    kernel.handle('lendSession', httpRequests.lendSession, ({ lane }, requester) => this.#lend(lane, requester))
  }

  /**
   * Opens a thread that acts for the service, as an inline function would, or for the identity that the service acts
   * for now.
   */
  #open(endpoint: EntryId, session: Pid | undefined, { record, thread, transfer }: Requester): OpenedWorker {
    const { kernel, onEnded } = this.#options
    const { hosts, registry, code } = kernel
    const { fields, meta } = registry.decode(endpoint, endpointKind)
    if (record.entry !== registry.decode(meta.router, routerKind).meta.server)
      throw denied(`${record.pid} does not serve ${endpoint}`, { endpoint })
    if (!hosts.has(hostId)) hosts.add(hosts.create(hostId, settings))
    const called = registry.decode(fields.func, functionKind)
    checkEndpointPool(fields.func, called.fields.pool)
    const pin = meta.options?.network === undefined ? called.meta.options?.network : meta.options.network
    const program = {
      entry: fields.func,
      module: code.url(fields.func, called.fields.source),
      method: called.fields.method,
    }
    const { frame } = session === undefined ? record : kernel.processes.claimant(session, thread.number)
    // A thread of another network has only this port to its server: for the requests of clients, and the responses.
    const { port1, port2 } = new MessageChannel()
    const pid: Pid = kernel.spawn({
      entry: fields.func,
      program: { entry: fields.func, module, method: 'worker' },
      host: hostId,
      args: [port2, program],
      ports: [port2],
      frame: fork(frame, { overlay: pin === undefined ? record.frame.overlay : pin, trace: undefined }),
      accepts: 'any',
      role: 'lane',
      from: thread,
      onExit: (exit) => {
        this.#servers.delete(pid)
        if ('error' in exit) {
          this.#options.log('a thread that answered requests ended', {
            level: 'error',
            entry: fields.func,
            pid,
            error: errorFromWire(exit.error),
          })
          onEnded(record.pid, pid, exit.error)
        }
      },
    })
    this.#servers.set(pid, record.pid)
    transfer.push(port1)
    return { pid, port: port1 }
  }

  /** Lets an identity that a server acts for also act in the thread that responds, until the thread reports its end. */
  #lend(lane: Pid, { record }: Requester): WorkerSession {
    const { kernel } = this.#options
    const server = this.#servers.get(lane)
    const thread = kernel.threads.get(threadOf(lane))
    const own = kernel.processes.get(lane)
    if (
      server === undefined ||
      thread === undefined ||
      own?.entry === undefined ||
      threadOf(server) !== threadOf(record.pid)
    )
      throw denied(`${record.pid} has no thread ${lane}`, { lane })
    // Where the overlay isolates actors, a thread belongs to one actor and does no work for others.
    const network = kernel.networks.ofCall(
      fork(record.frame, { overlay: thread.network?.overlay ?? null }),
      thread.network,
      lane,
    )
    if (network.key !== thread.network?.key)
      throw unavailable(`the overlay of ${own.entry} has just changed how it isolates actors: retry the request`, {
        lane,
      })
    const frame =
      own.frame.overlay === record.frame.overlay ? record.frame : fork(record.frame, { overlay: own.frame.overlay })
    const { pid } = kernel.tasks.lend(record.pid, { entry: own.entry, frame, thread, role: own.role })
    return { pid, frame }
  }

  #check(lane: Pid, server: Pid): void {
    if (this.#servers.get(lane) !== server) throw denied(`${server} has no thread ${lane}`, { lane })
  }
}
