/** The spare connections to one proxy. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { startTimer, stopTimer, type Timer } from '@troupe/core'
import type { Socket } from 'node:net'
import { connectOwn } from '../../sockets/own-sockets.ts'
import { adoptContext, handleOf } from '../../sockets/internals.ts'
import type { Offer } from './messages.ts'
import { addressOf, type Proxy, type SpareRule } from './route.ts'

/** A connection to a proxy that carries nothing yet. */
export interface Spare {
  readonly socket: Socket
  /** The method that the proxy chose, where the greeting is done. */
  readonly greeted: number | undefined
}

/** Limit of {@link SpareRule} `adaptive`. */
const mostAdaptive = 8
/** Milliseconds for which a dial counts, and after which an unused spare is closed. */
const lifetime = 60_000
const sweepInterval = 5_000
/** Milliseconds in which a spare must be ready. Its proxy has just worked. */
const patience = 5_000

/** Spares belong to no code in particular: their events must not run in the frame of a dial. */
const outside = AsyncLocalStorage.snapshot()

interface Ready extends Spare {
  /** In terms of `performance.now()`. */
  readonly since: number
  /** Removes the listeners of the pool. */
  readonly release: () => void
}

export class SparePool implements Disposable {
  readonly #proxy: Proxy
  readonly #rule: SpareRule
  /** The greeting that spares send; `undefined`: they only connect. */
  readonly #offer: Offer | undefined
  /** Oldest first. */
  readonly #ready: Ready[] = []
  /** By the time at which they were opened. */
  readonly #opening = new Map<Socket, number>()
  /** Times of the latest dials, oldest first. */
  readonly #dials: number[] = []
  #timer: Timer | undefined
  #isScheduled = false
  #isOver = false

  constructor(proxy: Proxy, rule: SpareRule, offer: Offer | undefined) {
    this.#proxy = proxy
    this.#rule = rule
    this.#offer = offer
  }

  /** Counts a dial; returns the oldest spare, without listeners, as if the running code had connected it. */
  take(): Spare | undefined {
    if (this.#dials.push(performance.now()) > mostAdaptive) this.#dials.shift()
    for (;;) {
      const spare = this.#ready.shift()
      if (spare === undefined) return undefined
      spare.release()
      if (isUsable(spare)) {
        spare.socket.ref()
        const handle = handleOf(spare.socket)
        if (handle !== undefined) adoptContext(handle)
        return spare
      }
      discard(spare.socket)
    }
  }

  /** Opens as many as are missing, after the code that waits for the dial. */
  refill(): void {
    if (this.#isScheduled || this.#isOver || this.#missing <= 0) return
    this.#isScheduled = true
    outside(() => {
      setImmediate(() => {
        this.#isScheduled = false
        for (let left = this.#missing; left > 0 && !this.#isOver; left -= 1) this.#open()
      }).unref()
    })
  }

  close(): void {
    for (const { socket, release } of this.#ready.splice(0)) {
      release()
      discard(socket)
    }
    for (const socket of this.#opening.keys()) socket.destroy()
    this.#opening.clear()
    stopTimer(this.#timer)
    this.#timer = undefined
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.close()
  }

  get #missing(): number {
    return this.#wanted - this.#ready.length - this.#opening.size
  }

  /** One dial shows no need for a second one. */
  get #wanted(): number {
    if (this.#rule !== 'adaptive') return this.#rule
    const since = performance.now() - lifetime
    while (this.#dials[0] !== undefined && this.#dials[0] < since) this.#dials.shift()
    return this.#dials.length > 1 ? this.#dials.length : 0
  }

  #open(): void {
    const socket = connectOwn(addressOf(this.#proxy)).unref()
    this.#opening.set(socket, performance.now())
    const onConnect = () => {
      if (this.#offer === undefined) ready(undefined)
      else socket.write(this.#offer.greeting)
    }
    // The reply to the greeting; anything else ends the spare, and so does the end of the stream.
    const onReadable = () => {
      const chunk: unknown = socket.read()
      const [version, method = -1] = Buffer.isBuffer(chunk) && chunk.length === 2 ? chunk : []
      const isGreeting = this.#opening.has(socket) && version === 5 && this.#offer?.methods.includes(method) === true
      if (isGreeting) ready(method)
      else socket.destroy()
    }
    const onClose = () => {
      this.#opening.delete(socket)
      const at = this.#ready.findIndex((spare) => spare.socket === socket)
      if (at >= 0) this.#ready.splice(at, 1)
    }
    // Node replaces the handle for each further address of a name.
    const unref = () => socket.unref()
    const release = () => {
      socket
        .off('connectionAttempt', unref)
        .off('connect', onConnect)
        .off('readable', onReadable)
        .off('close', onClose)
        .off('error', ignore)
    }
    const ready = (greeted: number | undefined) => {
      this.#opening.delete(socket)
      this.#ready.push({ socket, greeted, since: performance.now(), release })
    }
    socket
      .on('connectionAttempt', unref)
      .on('connect', onConnect)
      .on('readable', onReadable)
      .on('close', onClose)
      .on('error', ignore)
    this.#watch()
  }

  #watch(): void {
    this.#timer ??= startTimer(() => {
      this.#timer = undefined
      this.#sweep()
      if (this.#ready.length + this.#opening.size > 0) this.#watch()
    }, sweepInterval).unref()
  }

  /** Closes what is old or not needed any more. A fixed number is renewed. */
  #sweep(): void {
    const wanted = this.#wanted
    const kept: Ready[] = []
    for (const spare of this.#ready.splice(0).toReversed()) {
      if (kept.length < wanted && isUsable(spare)) kept.unshift(spare)
      else {
        spare.release()
        discard(spare.socket)
      }
    }
    this.#ready.push(...kept)
    for (const [socket, since] of this.#opening) if (performance.now() - since > patience) socket.destroy()
    if (this.#rule !== 'adaptive') this.refill()
  }
}

function isUsable({ socket, since }: Ready): boolean {
  return !socket.destroyed && !socket.readableEnded && performance.now() - since < lifetime
}

function discard(socket: Socket): void {
  socket.on('error', ignore).destroy()
}

const ignore = () => undefined
