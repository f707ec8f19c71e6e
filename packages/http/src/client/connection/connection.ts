/** One connection that is kept, and opened again when it is needed again. */
import { currentSlot, runInSlot, type Slot, TroupeError } from '@troupe/core'
import { isPrivateAddress } from '@troupe/network'
import type { Socket } from 'node:net'
import { type buildConnector, Client, type Dispatcher } from 'undici'
import { inTheClear, type Open, secured, type Sessions } from './connector.ts'
import type { PermitAddress } from '../request/private-address.ts'
import type { Tls } from '../request/options-schema.ts'
import type { Deadline } from '../deadline.ts'

/** Maximum time in milliseconds to open a connection that no request waits for. */
const defaultPatience = 30_000

export interface ConnectionOptions {
  /** Origin of a URL, such as `https://example.org:444`. */
  readonly origin: string
  readonly open: Open
  readonly tls: Tls | undefined
  /** @default TLS sessions are not resumed */
  readonly sessions?: Sessions
  /** Called when the connection has ended. */
  readonly onClosed: (connection: Connection) => void
}

/** A request that waits for a connection or uses one. */
export interface Waiter {
  readonly deadline: Deadline
  readonly permit: PermitAddress
}

export class Connection {
  /** The protocol that TLS negotiated; `undefined` until the first connection. */
  protocol: 'http/1.1' | 'h2' | undefined
  connected = false
  /** Whether the connection has carried a request before. */
  kept = false
  readonly waiters: Waiter[] = []
  readonly #ending = new AbortController()
  readonly #options: ConnectionOptions
  readonly #client: Client
  #socket: Socket | undefined
  /** The remote address, if it is not public and was found by name. */
  #found: string | undefined
  /** The slot for which the next connection is opened: that of the latest request. */
  #slot: Slot | undefined
  /** Called when the result of the first connection is known. */
  #decided: (() => void) | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#client = new Client(options.origin, {
      connect: (wanted, done) => void this.#connect(wanted, done),
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#client.on('disconnect', () => {
      this.connected = false
      this.#found = undefined
      options.onClosed(this)
    })
  }

  /** Returns the number of bytes received on the connection. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0
  }

  /** Settles when the first connection is established, or has failed. */
  get decided(): Promise<void> {
    return new Promise((resolve) => (this.#decided = resolve))
  }

  /**
   * Checks that `permit` allows the address of the connection, because it was opened for another caller. Returns
   * nothing where no check is needed.
   *
   * @throws TroupeError `PermissionDenied`
   */
  permitted(permit: PermitAddress): Promise<void> | undefined {
    return this.#found === undefined ? undefined : permit(this.#found)
  }

  enter(waiter: Waiter): void {
    this.waiters.push(waiter)
  }

  leave(waiter: Waiter): void {
    const at = this.waiters.indexOf(waiter)
    const last = this.waiters.pop()
    if (last !== undefined && last !== waiter && at >= 0) this.waiters[at] = last
  }

  dispatch(options: Omit<Dispatcher.DispatchOptions, 'origin'>, handler: Dispatcher.DispatchHandler): void {
    this.#slot = currentSlot()
    this.#client.dispatch(options, handler)
  }

  /** Settles when the running requests have ended. */
  async close(): Promise<void> {
    // Destroyed while it closed: that ends it too.
    await this.#client.close().catch(() => undefined)
  }

  async destroy(reason: Error): Promise<void> {
    this.#ending.abort(reason)
    // The requests on this connection may never have caused one to be opened.
    this.#decided?.()
    await this.#client.destroy(reason)
  }

  async #connect(wanted: buildConnector.Options, done: buildConnector.Callback): Promise<void> {
    let socket: Socket
    try {
      socket = await (this.#slot === undefined
        ? this.#opened(wanted)
        : runInSlot(this.#slot, () => this.#opened(wanted)))
    } catch (error) {
      this.#decided?.()
      done(error instanceof Error ? error : new Error(String(error)), null)
      return
    }
    this.connected = true
    this.kept = false
    this.#socket = socket
    done(null, socket)
    this.#decided?.()
  }

  async #opened({ hostname, port, protocol, servername }: buildConnector.Options): Promise<Socket> {
    const { open, tls, sessions } = this.#options
    const { signal } = this.#ending
    const secure = protocol === 'https:'
    const target = { host: hostname, port: port === '' ? (secure ? 443 : 80) : Number(port) }
    const until = Date.now() + this.#patience()
    const socket = await open(target, {
      signal,
      timeout: until - Date.now(),
      permit: async (address) => this.#permitNew(address),
    })
    this.#found = open === inTheClear ? privateName(hostname, socket) : undefined
    // From here on errors have a handler.
    socket.on('error', () => {})
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    if (!secure) {
      this.protocol = 'http/1.1'
      return socket
    }
    const stop = () => socket.destroy()
    signal.addEventListener('abort', stop)
    const wrapped = await secured(
      socket,
      tls?.serverName ?? servername ?? hostname,
      tls,
      Math.max(1, until - Date.now()),
      sessions,
    ).finally(() => signal.removeEventListener('abort', stop))
    this.protocol = wrapped.alpnProtocol === 'h2' ? 'h2' : 'http/1.1'
    return wrapped
  }

  /** Asks for permission on behalf of all requests that wait for the connection. */
  async #permitNew(address: string): Promise<void> {
    if (this.waiters.length === 0) throw new TroupeError('Canceled', 'no request waits for the connection any longer')
    await Promise.all(this.waiters.map(async ({ permit }) => permit(address)))
  }

  #patience(): number {
    let until = 0
    for (const { deadline } of this.waiters) until = Math.max(until, deadline.patience)
    const left = until - Date.now()
    return left > 0 ? left : defaultPatience
  }
}

/** An address in the URL itself was checked together with the URL. */
function privateName(host: string, { remoteAddress = '' }: Socket): string | undefined {
  return !isPrivateAddress(host) && isPrivateAddress(remoteAddress) ? remoteAddress : undefined
}
