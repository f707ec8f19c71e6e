/** Opens the connections of a network that code uses explicitly, and ends them. */
import { invalid, TroupeError } from '@troupe/core'
import { dial, type Route, threadNetwork } from '@troupe/network'
import { isApplicationThread } from '@troupe/process'
import type { Socket } from 'node:net'

/** Milliseconds until a connection is given up. */
const patience = 30_000

/** Options of `connect`. */
export interface ConnectOptions {
  /** Ends the wait with `Canceled`. */
  readonly signal?: AbortSignal
  /** Milliseconds. @default 30000 */
  readonly timeout?: number
}

export class Dialler {
  readonly route: Route
  readonly #ending = new AbortController()
  readonly #sockets = new Set<Socket>()

  constructor(route: Route) {
    this.route = route
  }

  /** @throws TroupeError like `network().connect` */
  async open(host: string, port: number, { signal, timeout = patience }: ConnectOptions = {}): Promise<Socket> {
    checkThread()
    this.checkOpen()
    const { signal: ending } = this.#ending
    const socket = await dial(
      this.route,
      { host: host.replace(/^\[|\]$/g, ''), port },
      { timeout, signal: signal ? AbortSignal.any([signal, ending]) : ending },
    )
    socket.on('error', () => undefined)
    if (ending.aborted) {
      socket.destroy()
      this.checkOpen()
    }
    this.#sockets.add(socket)
    return socket.on('close', () => this.#sockets.delete(socket))
  }

  /** @throws TroupeError `Unavailable` after `close`. */
  checkOpen(): void {
    if (!this.#ending.signal.aborted) return
    throw new TroupeError('Unavailable', 'this network was closed: call network() again', { retryable: false })
  }

  close(): void {
    this.#ending.abort(new TroupeError('Canceled', 'the network was closed'))
    for (const socket of this.#sockets) socket.destroy()
  }
}

/**
 * Code of an application has the network that was chosen for it, by its policies: it cannot choose another here.
 *
 * @throws TroupeError `Invalid`
 */
export function checkThread(): void {
  const overlay = threadNetwork()?.overlay
  if (typeof overlay === 'string') {
    throw invalid(
      `network(): this thread runs in overlay ${overlay} and has no other network: use fetch or net as they are`,
      { network: overlay, code: 'ENETWORK' },
    )
  }
  if (!isApplicationThread()) return
  throw invalid(
    'network(): processes and functions of an application choose a network by its entry, with withOptions({ network })',
    { code: 'ENETWORK' },
  )
}
