/**
 * Has a socket connect by a connection that is dialled for it: Node's own `connect` runs, but what it would ask of the native handle is
 * done here, and the handle is swapped. Whoever holds the socket sees what a plain one shows.
 */
import type { EntryId } from '@troupe/core'
import { isIP, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Target } from '../../overlay/overlay.ts'
import { swapHandle } from '../node/swap-handle.ts'
import { asConnectError } from './connect-error.ts'
import type { ConnectCall } from './connect-options.ts'
import { EarlyEnd } from '../early-end.ts'
import { HostLookup, type HostLookupOptions } from '../dns/host-lookup.ts'
import { handleOf, property } from '../../sockets/internals.ts'
import { type Callable, isCallable } from '../node/patch.ts'

/** How a connection comes about. */
export interface Way {
  /** That it leads through, if it does. */
  readonly overlay?: EntryId
  open(target: Target, signal: AbortSignal): Promise<Socket>
  readonly unjudged: HostLookupOptions['unjudged']
  /** The address that the socket is to show as its far end, where the connection does not know it. */
  readonly peerOf?: (target: Target) => Target | Promise<Target>
  /** The host behind an address that stands for one; others are themselves. Throws for one that cannot be known. */
  readonly nameOf: (host: string) => string
}

const carried = new WeakSet<Socket>()

/** Whether `socket` waits for a connection that is dialled for it, and so will get another handle. */
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
  // A TLS socket over one that connects itself has nothing to do but wait.
  if (waits || !socket.connecting || handle === undefined) return result
  carried.add(socket)
  // TLS over this socket looks here for the host, as Node itself leaves it for names alone.
  Reflect.set(socket, '_host', way.nameOf(host))
  const port = Number(options['port'])
  takeOver(innermost(handle), (request) => {
    void new Carrying(socket, handle, way).run({ hosts: hosts.hosts, port, closed }, request)
  })
  return result
}

/** Handles that were told to close by now are: their `close` comes before anything of the next life, as with Node's own sockets. */
async function formerClosed(): Promise<void> {
  // Between two turns of this phase of the event loop is the one in which they close.
  await turn()
  await turn()
}

/** This side's own address and port, which this socket's own handle has no use for. What they cannot be, Node refuses in its own words. */
function unlessSound({ localAddress, localPort }: ConnectCall['options']): Readonly<Record<string, unknown>> {
  return {
    localAddress: typeof localAddress === 'string' && isIP(localAddress) !== 0 ? undefined : localAddress,
    localPort: typeof localPort === 'number' ? undefined : localPort,
  }
}

/** TLS wraps the handle of TCP, which is the one that connects. */
export function innermost(handle: object): object {
  const parent = property(handle, '_parent')
  return typeof parent === 'object' && parent !== null ? parent : handle
}

/** Node calls one of these in a later turn, and once more where a socket was destroyed and connected again before that. */
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
  /** Settles when the life before is over. */
  readonly closed: Promise<void> | undefined
}

/** One life of a socket, from `connect` on: it may be destroyed and connected again before this one's `close` is out. */
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
    using _early = overlay === undefined ? undefined : new EarlyEnd(socket, overlay, () => target)
    const open = async (host: string) => {
      target = { host: this.#way.nameOf(host), port }
      return this.#way.open(target, closing.signal)
    }
    try {
      const [dialled] = await Promise.all([firstOf(hosts, open, closing.signal), closed])
      const peer = await this.#way.peerOf?.(target)
      if (this.#isOver) dialled.destroy()
      else {
        swapHandle(socket, dialled, target, peer)
        this.#handle = handleOf(socket)
      }
    } catch (error) {
      if (!this.#isOver) {
        Reflect.set(socket, 'connecting', false)
        socket.destroy(asConnectError(error, target))
      }
    } finally {
      socket.off('close', stop)
    }
    // Outside of this promise, so that what a listener throws is not taken for its failure.
    if (!this.#isOver) process.nextTick(() => this.#complete(request))
  }

  get #isOver(): boolean {
    return this.#socket.destroyed || handleOf(this.#socket) !== this.#handle
  }

  #complete(request: object): void {
    const finish = property(request, 'oncomplete')
    if (!this.#isOver && isCallable(finish)) Reflect.apply(finish, request, [0, handleOf(this.#socket), request, true, true])
  }
}

/** What comes of the first host that `open` reaches, one after the other. */
async function firstOf(hosts: readonly string[], open: (host: string) => Promise<Socket>, signal: AbortSignal): Promise<Socket> {
  let failure: unknown
  for (const host of hosts) {
    try {
      return await open(host)
    } catch (error) {
      failure = error
      if (signal.aborted) break
    }
  }
  throw failure
}
