/** Thread side of `network.socks5`: one connection through the proxy, on a socket of this thread (RFC 1928). */
import type { TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import { connectPermitted } from '../../guard/permit.ts'
import type { DialOptions, Driver, Target } from '../../overlay.ts'
import type { Route } from '../../route.ts'
import { destinationOf } from './destination.ts'
import { Failures } from './failures.ts'
import { Earpiece, handshake } from './handshake.ts'
import { proxyOf, type Socks5Route, socks5 } from './route.ts'
import { addressTypes, passwordMethod, readTranscript } from './transcript.ts'

const defaultTimeout = 30_000
/** Beyond this Node's timers fire at once. */
const maxTimeout = 2 ** 31 - 1

/**
 * Dials through a SOCKS5 proxy. The target's name always travels to the proxy as a name. The one name that this machine
 * resolves is the proxy's own, where the operator gave it as a name.
 */
export const socks5Driver: Driver = { name: socks5, dial }

async function dial(route: Route, target: Target, { signal, timeout = defaultTimeout }: DialOptions): Promise<Socket> {
  const proxy = proxyOf(route)
  const destination = destinationOf(target)
  const failures = new Failures(route.overlay, destination)
  if (signal?.aborted) throw failures.canceled()
  return new Attempt(proxy, destination, failures, Math.min(timeout, maxTimeout)).run(signal)
}

/** One dial: whatever ends it first ends it, and closes the socket unless it stands. */
class Attempt {
  readonly #proxy: Socks5Route
  readonly #destination: Target
  readonly #failures: Failures
  readonly #timeout: number
  readonly #socket: Socket
  readonly #ear: Earpiece
  readonly #done = Promise.withResolvers<Socket>()
  #connected = false

  constructor(proxy: Socks5Route, destination: Target, failures: Failures, timeout: number) {
    this.#proxy = proxy
    this.#destination = destination
    this.#failures = failures
    this.#timeout = timeout
    this.#socket = connectPermitted({ host: proxy.host, port: proxy.port })
    this.#ear = new Earpiece(this.#socket)
  }

  async run(signal: AbortSignal | undefined): Promise<Socket> {
    const socket = this.#socket
    const timer = setTimeout(() => this.#fail(this.#failures.timedOut(this.#timeout, this.#heard)), this.#timeout)
    const onAbort = () => this.#fail(this.#failures.canceled())
    const onError = (error: Error) => this.#fail(this.#failures.broken(codeOf(error), this.#heard))
    const onEnd = () => this.#fail(this.#failures.closed(this.#ear.heard))
    const onReadable = () => this.#ear.listen()
    const onConnect = () => void this.#negotiate()
    signal?.addEventListener('abort', onAbort)
    socket.on('connect', onConnect).on('error', onError).on('end', onEnd).on('readable', onReadable)
    try {
      await this.#done.promise
      // An abort between the handshake's end and this line.
      if (signal?.aborted) throw this.#failures.canceled()
      return socket
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect).off('error', onError).off('end', onEnd).off('readable', onReadable)
      this.#ear.destroy()
    }
  }

  async #negotiate(): Promise<void> {
    this.#connected = true
    try {
      await handshake(this.#ear, this.#proxy, this.#destination, this.#timeout)
    } catch {
      return this.#fail(this.#failures.refused(this.#ear.heard))
    }
    const told = readTranscript(this.#ear.heard)
    if (!addressTypes.has(told?.addressType)) return this.#fail(this.#failures.refused(this.#ear.heard))
    if (this.#proxy.isolateStreams && told?.method !== passwordMethod) return this.#fail(this.#failures.notIsolated())
    this.#done.resolve(this.#socket)
  }

  #fail(error: TroupeError): void {
    this.#socket.destroy()
    this.#done.reject(error)
  }

  get #heard(): readonly number[] | undefined {
    return this.#connected ? this.#ear.heard : undefined
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'no connection'
}
