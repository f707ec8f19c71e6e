/** Counts the requests of a server, in the server's own thread. */
import { writeExemplar } from '@troupe/core'
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { Http1Outgoing, type Outgoing, type OutgoingCounter, type Routed } from '../request/outgoing.ts'
import type { RouteTable } from '../routing/route-table.ts'
import { durationAt, ownRoutes, requestAt, serverCounter } from './count-memory.ts'

/** Bytes of a connection that were counted already. */
interface Counted {
  received: number
  sent: number
}

const perSecond = 1000
const [none, other] = ownRoutes

export class RequestCounter implements OutgoingCounter {
  readonly #memory: Float64Array
  readonly #sockets = new WeakMap<object, Counted>()
  #routes: ReadonlyMap<string, number> = new Map()

  constructor(memory: SharedArrayBuffer) {
    this.#memory = new Float64Array(memory)
  }

  /** Uses the numbers that the kernel gave to routes. */
  route({ counted }: Pick<RouteTable, 'counted'>): void {
    this.#routes = new Map(counted.map((path, index) => [path, index]))
  }

  /** Counts the bytes of connections that end, also those of WebSockets. */
  watch(server: EventEmitter, isSecure: boolean): void {
    server.on(isSecure ? 'secureConnection' : 'connection', (socket: Socket) => {
      socket.once('close', () => {
        this.#countBytes(socket)
      })
    })
  }

  /** A request has arrived. */
  begin(outgoing: Outgoing): void {
    this.#add(serverCounter.begun)
    outgoing.counter = this
    outgoing.begunAt = performance.now()
  }

  /** Its response has ended, or its connection. */
  ended(outgoing: Outgoing): void {
    const route = this.#routeOf(outgoing.routed)
    this.#add(requestAt(route, outgoing.req.method ?? '', outgoing.headersSent ? outgoing.statusCode : 0))
    const seconds = (performance.now() - outgoing.begunAt) / perSecond
    const { bucket, sum, exemplar } = durationAt(route, seconds)
    this.#add(bucket)
    this.#add(sum, seconds)
    const trace = outgoing.slot?.frame.trace
    if (trace !== undefined) writeExemplar(this.#memory, exemplar, trace, seconds)
    if (outgoing instanceof Http1Outgoing) this.#countBytes(outgoing.req.socket)
    // Last, so that what is not in flight is counted.
    this.#add(serverCounter.ended)
  }

  /** A request for a WebSocket got its response: it has no duration. */
  upgraded(routed: Routed, status: number): void {
    this.#add(requestAt(this.#routeOf(routed), 'GET', status))
  }

  #routeOf(routed: Routed | undefined): number {
    const path = routed?.route?.path ?? routed?.template
    return this.#routes.get(path ?? none) ?? this.#routes.get(other) ?? 0
  }

  /** Counts the bytes of a connection since the last time. */
  #countBytes(socket: Socket): void {
    const counted = this.#sockets.get(socket) ?? { received: 0, sent: 0 }
    const { bytesRead: received, bytesWritten: sent } = socket
    if (received > counted.received) this.#add(serverCounter.received, received - counted.received)
    if (sent > counted.sent) this.#add(serverCounter.sent, sent - counted.sent)
    this.#sockets.set(socket, { received, sent })
  }

  #add(index: number, by = 1): void {
    this.#memory[index] = (this.#memory[index] ?? 0) + by
  }
}
