/** One connection that is kept, and opened anew when it is needed again. */
import { currentSlot, runInSlot, type Slot, TroupeError } from '@troupe/core'
import { isPrivateAddress } from '@troupe/network'
import type { Socket } from 'node:net'
import { type buildConnector, Client, type Dispatcher } from 'undici'
import { inTheClear, type Open, secured } from './connector.ts'
import type { PermitAddress } from '../request/private-address.ts'
import type { Tls } from '../request/options-schema.ts'
import type { Deadline } from '../deadline.ts'

/** Milliseconds for a connection that nobody waits for any more. */
const defaultPatience = 30_000

export interface ConnectionOptions {
  /** Of a URL, `https://example.org:444`. */
  readonly origin: string
  readonly open: Open
  readonly tls: Tls | undefined
  /** The connection has ended. */
  readonly onClosed: (connection: Connection) => void
}

/** Someone who has a request on a connection. */
export interface Waiter {
  readonly deadline: Deadline
  readonly permit: PermitAddress
}

export class Connection {
  /** What TLS agreed on; `undefined` until there was a connection. */
  protocol: 'http/1.1' | 'h2' | undefined
  connected = false
  /** Whether the connection has carried a request before. */
  kept = false
  readonly waiters: Waiter[] = []
  readonly #ending = new AbortController()
  readonly #options: ConnectionOptions
  readonly #client: Client
  #socket: Socket | undefined
  /** The address at the far end, where that is not public and was found by a name. */
  #found: string | undefined
  /** On whose behalf the next connection is opened: whoever sent something last. */
  #slot: Slot | undefined
  /** Called when it is known how the first connection ended. */
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

  /** Bytes that came on the connection. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0
  }

  /** Settles when the first connection stands, or has failed. */
  get decided(): Promise<void> {
    return new Promise((resolve) => (this.#decided = resolve))
  }

  /**
   * Asks whether `permit` allows where the connection leads: it was opened for somebody else. Returns nothing where there is nothing to
   * wait for.
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

  /** Ends when what runs has ended. */
  async close(): Promise<void> {
    // Destroyed while it closed: that is its end too.
    await this.#client.close().catch(() => undefined)
  }

  async destroy(reason: Error): Promise<void> {
    this.#ending.abort(reason)
    // Whatever it was given may never have asked for a connection.
    this.#decided?.()
    await this.#client.destroy(reason)
  }

  async #connect(wanted: buildConnector.Options, done: buildConnector.Callback): Promise<void> {
    let socket: Socket
    try {
      socket = await (this.#slot === undefined ? this.#opened(wanted) : runInSlot(this.#slot, () => this.#opened(wanted)))
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
    const { open, tls } = this.#options
    const { signal } = this.#ending
    const secure = protocol === 'https:'
    const target = { host: hostname, port: port === '' ? (secure ? 443 : 80) : Number(port) }
    const until = Date.now() + this.#patience()
    const socket = await open(target, { signal, timeout: until - Date.now(), permit: async (address) => this.#permitNew(address) })
    this.#found = open === inTheClear ? privateName(hostname, socket) : undefined
    // From here on an error has somebody who hears it.
    socket.on('error', () => {})
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    if (!secure) {
      this.protocol = 'http/1.1'
      return socket
    }
    const stop = () => socket.destroy()
    signal.addEventListener('abort', stop)
    const wrapped = await secured(socket, tls?.serverName ?? servername ?? hostname, tls, Math.max(1, until - Date.now())).finally(() =>
      signal.removeEventListener('abort', stop),
    )
    this.protocol = wrapped.alpnProtocol === 'h2' ? 'h2' : 'http/1.1'
    return wrapped
  }

  /** Asks on behalf of all who wait for the connection. */
  async #permitNew(address: string): Promise<void> {
    if (this.waiters.length === 0) throw new TroupeError('Canceled', 'nobody waits for the connection any more')
    await Promise.all(this.waiters.map(async ({ permit }) => permit(address)))
  }

  #patience(): number {
    let until = 0
    for (const { deadline } of this.waiters) until = Math.max(until, deadline.patience)
    const left = until - Date.now()
    return left > 0 ? left : defaultPatience
  }
}

/** An address that was written out was asked about with the URL. */
function privateName(host: string, { remoteAddress = '' }: Socket): string | undefined {
  return !isPrivateAddress(host) && isPrivateAddress(remoteAddress) ? remoteAddress : undefined
}
