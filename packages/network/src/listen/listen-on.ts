/** Makes a server accept its connections from an overlay. */
import {
  type Backoff,
  backoffDelay,
  currentSlot,
  type EntryId,
  invalid,
  runInSlot,
  sleep,
  TroupeError,
} from '@troupe/core'
import type { Server } from 'node:net'
import { networkAccess } from '../dial/network-access.ts'
import { asSystemError } from '../guard/tcp/connect-error.ts'
import { accept } from '../dial/dial.ts'
import { property } from '../sockets/internals.ts'
import { recordAccepted } from '../dial/overlay-health.ts'
import type { BindOptions, Listener, ListenGrant } from '../overlay/overlay.ts'
import { emitConnection } from './emit-connection.ts'
import { onOverlayMoved } from './overlay-changes.ts'
import { OverlayHandle } from './overlay-handle.ts'

const delays: Backoff = { initial: 100, max: 10_000, jitter: 0.2 }

/** The current place at which a server listens. */
interface ListenTarget {
  readonly listenGrant: ListenGrant
  readonly listener: Listener
  readonly close: () => Promise<void>
}

/**
 * Makes `server` accept connections from `overlay`, on behalf of the calling code. It emits `listening` and `error`
 * like a server that listens on this machine. `address()` is where peers in the overlay reach it, and {@link peerOf}
 * returns the peer of a socket. When the overlay is replaced, or its router or node returns, the server listens there
 * again; `server.close()` ends it. The first attempt is not retried: the supervisor of the server retries it.
 *
 * Its `error` is a TroupeError: `PermissionDenied` where `network.bind` is denied, `Invalid` for an overlay that cannot
 * listen, `NotFound` for one that does not exist or was removed, `AlreadyExists` for a port in use, `Unavailable`.
 *
 * @example
 * ```ts
 * const server = createServer((socket) => socket.end(`hello ${peerOf(socket)?.address}\n`))
 * listenOn(server, entryId('app.net:tailnet'), { port: 7 })
 * await once(server, 'listening')
 * ```
 */
export function listenOn(server: Server, overlay: EntryId, options: BindOptions): void {
  if (server.listening) {
    const error = new Error('Listen method has been called more than once without closing.')
    throw Object.assign(error, { code: 'ERR_SERVER_ALREADY_LISTEN' })
  }
  void new Listening(server, overlay, options).run()
}

class Listening {
  readonly #server: Server
  readonly #overlay: EntryId
  #options: BindOptions
  readonly #handle: OverlayHandle
  readonly #closing = new AbortController()
  /** The place that will replace the present one, open or being opened. */
  #next: Promise<ListenTarget> | undefined

  constructor(server: Server, overlay: EntryId, options: BindOptions) {
    this.#server = server
    this.#overlay = overlay
    this.#options = options
    this.#handle = new OverlayHandle(() => {
      this.#closing.abort()
    })
    Reflect.set(server, '_handle', this.#handle)
    // `unref()` came before the handle.
    if (property(server, '_unref') === true) this.#handle.unref()
  }

  async run(): Promise<void> {
    try {
      let place = await this.#open()
      // At first any port was acceptable; peers now know the server by this one.
      this.#options = { ...this.#options, port: place.listenGrant.address.port }
      this.#listening(place)
      while (!this.#closed) {
        await this.#serve(place)
        if (!this.#closed) place = await this.#again()
      }
      await place.close()
    } catch (error) {
      this.#fail(error)
    } finally {
      // A place that was being opened when the server closed must be released here.
      this.#next?.then(async (place) => place.close()).catch(() => undefined)
    }
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  async #open(): Promise<ListenTarget> {
    const bound = await networkAccess().bind?.(this.#overlay, this.#options)
    if (bound === undefined)
      throw invalid(`nothing listens on ${this.#overlay} from here: no application provides for it`)
    const { listenGrant, release } = bound
    try {
      const listener = await accept(listenGrant)
      const close = async () => {
        await listener[Symbol.asyncDispose]()
        release()
      }
      return { listenGrant, listener, close }
    } catch (error) {
      release()
      throw error
    }
  }

  #listening({ listener }: ListenTarget): void {
    this.#handle.listener = listener
    // Outside of the promise, so that an exception in a listener does not count as a failure to listen.
    if (!this.#closed) process.nextTick(() => this.#server.emit('listening'))
  }

  /** Delivers connections until the server closes, the place is lost, or another place replaces it. */
  async #serve(place: ListenTarget): Promise<void> {
    const { listenGrant, listener, close } = place
    const slot = currentSlot()
    const here = <T>(fn: () => T) => (slot === undefined ? fn() : runInSlot(slot, fn))
    const unsubscribe = onOverlayMoved(listenGrant, () => here(() => this.#move(close)))
    this.#closing.signal.addEventListener('abort', () => void close(), { once: true })
    try {
      for await (const accepted of listener.connections) {
        if (this.#closed) {
          accepted.socket.destroy()
          return
        }
        recordAccepted(listenGrant, accepted.socket, accepted.peer.address)
        emitConnection(this.#server, accepted, listener.address)
      }
    } catch (error) {
      // The place is gone: open another one.
      if (!(error instanceof TroupeError) || error.kind !== 'Unavailable') throw error
      await close()
    } finally {
      unsubscribe()
    }
  }

  /** The overlay was replaced: opens a place in the new one, then releases the old place. */
  #move(leave: () => Promise<void>): void {
    const next = (this.#next?.catch(() => undefined) ?? Promise.resolve(undefined)).then(async (unused) => {
      await unused?.close()
      return this.#open()
    })
    this.#next = next
    // A failed attempt is repeated when the old place is lost; a permanent failure ends the server at once.
    next.then(leave, (error: unknown) => {
      if (isFinal(error)) void leave()
    })
  }

  /** Opens a new place; retries until it is open, or cannot be opened. */
  async #again(): Promise<ListenTarget> {
    for (let failures = 1; ; failures += 1) {
      const made = this.#next ?? this.#open()
      this.#next = undefined
      try {
        const place = await made
        this.#handle.listener = place.listener
        return place
      } catch (error) {
        if (isFinal(error) || this.#closed) throw error
        await this.#pause(backoffDelay(delays, failures))
      }
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, this.#closing.signal).catch(() => undefined)
  }

  #fail(error: unknown): void {
    if (this.#closed) return
    process.nextTick(() => {
      if (property(this.#server, '_handle') === this.#handle) this.#server.close()
      this.#server.emit('error', asSystemError(error, 'listen'))
    })
  }
}

function isFinal(error: unknown): boolean {
  return !(error instanceof TroupeError) || !error.retryable
}
