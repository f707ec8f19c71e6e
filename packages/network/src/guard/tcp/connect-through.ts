/**
 * Connects a socket by a connection that is dialled for it: Node's own `connect` runs, but its calls of the native
 * handle are made here, and the handle is swapped. The socket looks like a plain one.
 */
import type { EntryId } from '@troupe/core'
import { isIP, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { EarlyData, Target } from '../../overlay/overlay.ts'
import { swapHandle } from '../node/swap-handle.ts'
import { asConnectError, asEarlyError } from './connect-error.ts'
import type { ConnectCall } from './connect-options.ts'
import { EarlyEnd } from '../early-end.ts'
import { EarlyWrites } from './early-writes.ts'
import { HostLookup, type HostLookupOptions } from '../dns/host-lookup.ts'
import { handleOf, innermost, property } from '../../sockets/internals.ts'
import { type Callable, isCallable } from '../node/patch.ts'

/** Options of {@link Way.open}. */
export interface OpenOptions {
  readonly signal: AbortSignal
  readonly early?: EarlyData
}

/** How a connection is opened. */
export interface Way {
  /** The overlay that it leads through, if any. */
  readonly overlay?: EntryId
  open(target: Target, options: OpenOptions): Promise<Socket>
  readonly unjudged: HostLookupOptions['unjudged']
  /** Returns the remote address that the socket shows, where the connection does not know it. */
  readonly peerOf?: (target: Target) => Target | Promise<Target>
  /**
   * Returns the host behind an address that stands for one; other hosts are unchanged. Throws for an address whose name
   * is unknown.
   */
  readonly nameOf: (host: string) => string
}

const carried = new WeakSet<Socket>()

/** Whether `socket` waits for a connection to be dialled for it, and so will get another handle. */
export function isCarried(socket: Socket): boolean {
  return socket.connecting && carried.has(socket)
}

/** Connects `socket` by `way`. */
export function connectBy(socket: Socket, { options, callback }: ConnectCall, way: Way, original: Callable): unknown {
  const waits = property(property(socket, '_parent'), 'connecting') === true
  const asked = options['host']
  const host = typeof asked === 'string' && asked !== '' ? asked : 'localhost'
  const hosts = new HostLookup({ socket, options, host, unjudged: way.unjudged })
  const { blocked } = hosts
  if (blocked !== undefined) return socket.destroy(blocked)
  const own = { host, lookup: hosts.lookup, ...unlessSound(options), autoSelectFamily: false }
  const closed = socket.destroyed ? formerClosed() : undefined
  const result: unknown = Reflect.apply(original, socket, [{ ...options, ...own }, callback])
  const handle = handleOf(socket)
  // A TLS socket over one that connects itself only has to wait.
  if (waits || !socket.connecting || handle === undefined) return result
  carried.add(socket)
  // TLS over this socket reads the host here; Node itself sets it only for names.
  Reflect.set(socket, '_host', way.nameOf(host))
  const port = Number(options['port'])
  takeOver(innermost(handle), (request) => {
    void new Carrying(socket, handle, way).run({ hosts: hosts.hosts, port, closed }, request)
  })
  return result
}

/**
 * Settles when closing handles are closed: their `close` precedes all events of the next life, as with
 * Node's own sockets.
 */
async function formerClosed(): Promise<void> {
  // They close in the phase of the event loop between two turns of this phase.
  await turn()
  await turn()
}

/**
 * The local address and port, which this socket's own handle does not use. Node validates them, with its own errors.
 */
function unlessSound({ localAddress, localPort }: ConnectCall['options']): Readonly<Record<string, unknown>> {
  return {
    localAddress: typeof localAddress === 'string' && isIP(localAddress) !== 0 ? undefined : localAddress,
    localPort: typeof localPort === 'number' ? undefined : localPort,
  }
}

/** Node calls one of these in a later turn, and once more if a socket was destroyed and connected again before that. */
function takeOver(handle: object, start: (request: object) => void): void {
  let started = false
  const connect = (request: object) => {
    if (!started) start(request)
    started = true
    return 0
  }
  Object.assign(handle, { connect, connect6: connect })
}

interface Targets {
  readonly hosts: readonly string[]
  readonly port: number
  /** Settles when the previous life is over. */
  readonly closed: Promise<void> | undefined
}

/**
 * One life of a socket, from `connect` on: the socket may be destroyed and connected again before the `close` event of
 * this life.
 */
class Carrying {
  readonly #socket: Socket
  #handle: object | undefined
  readonly #way: Way

  constructor(socket: Socket, handle: object, way: Way) {
    this.#socket = socket
    this.#handle = handle
    this.#way = way
  }

  async run({ hosts, port, closed }: Targets, request: object): Promise<void> {
    const socket = this.#socket
    const closing = new AbortController()
    const stop = () => {
      if (this.#isOver) closing.abort()
    }
    socket.on('close', stop)
    let target: Target = { host: hosts[0] ?? '', port }
    const { overlay } = this.#way
    using _end = overlay === undefined ? undefined : new EarlyEnd(socket, overlay, () => target)
    // Of a TLS socket the writes are not the first bytes.
    const early =
      overlay === undefined || socket instanceof TLSSocket ? undefined : new EarlyWrites(socket, () => this.#isOver)
    const options: OpenOptions = { signal: closing.signal, ...(early && { early }) }
    const open = async (host: string) => {
      target = { host: this.#way.nameOf(host), port }
      return this.#way.open(target, options)
    }
    try {
      const [dialled] = await Promise.all([firstOf(hosts, open, options), closed])
      const peer = await this.#way.peerOf?.(target)
      if (this.#isOver) {
        early?.[Symbol.dispose]()
        dialled.destroy()
      } else {
        swapHandle(socket, dialled, target, peer)
        this.#handle = handleOf(socket)
      }
    } catch (error) {
      early?.[Symbol.dispose]()
      if (!this.#isOver) {
        Reflect.set(socket, 'connecting', false)
        socket.destroy(early?.isSpent === true ? asEarlyError(error, target) : asConnectError(error, target))
      }
    } finally {
      socket.off('close', stop)
    }
    // Outside of this promise, so that an exception in a listener does not count as its failure.
    if (!this.#isOver) process.nextTick(() => this.#complete(request))
  }

  get #isOver(): boolean {
    return this.#socket.destroyed || handleOf(this.#socket) !== this.#handle
  }

  #complete(request: object): void {
    const finish = property(request, 'oncomplete')
    if (!this.#isOver && isCallable(finish))
      Reflect.apply(finish, request, [0, handleOf(this.#socket), request, true, true])
  }
}

/** Returns the result for the first host that `open` reaches; tries one after the other. */
async function firstOf(
  hosts: readonly string[],
  open: (host: string) => Promise<Socket>,
  { signal, early }: OpenOptions,
): Promise<Socket> {
  let failure: unknown
  for (const host of hosts) {
    try {
      return await open(host)
    } catch (error) {
      failure = error
      if (signal.aborted || early?.isSpent === true) break
    }
  }
  throw failure
}
