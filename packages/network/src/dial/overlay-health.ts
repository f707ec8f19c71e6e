/**
 * Health of overlays, as this thread sees it: plain data that can be sent, summed up and shown. No secrets, no
 * addresses of proxies.
 */
import { count, countDial, counter, currentFrame, type EntryId, TroupeError } from '@troupe/core'
import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { notifyFollower } from './connection-handover.ts'
import type { DialEvent, DialLatency, OverlayHealth } from './health-report.ts'
import { connectionClosed, connectionContinues, connectionOpened } from './open-connections.ts'
import { overlayChanged } from '../guard/pools/connection-key.ts'
import type { Driver, Target } from '../overlay/overlay.ts'
import { isSameOverlay, type OverlayOf, type Route } from '../overlay/route.ts'
import { threadOverlay } from '../overlay/thread-network.ts'

const dials = channel('troupe:overlay:dial')
const microseconds = 1000

class OverlayRecord {
  readonly overlay: EntryId
  readonly application: number | undefined
  #route: Route
  #driver: Pick<Driver, 'entrances'> = {}
  #works = true
  #lastError: OverlayHealth['lastError']
  #opened = 0
  #failed = 0
  #dialling = 0
  #accepted = 0
  #sent = 0
  #received = 0
  /**
   * In microseconds, with two significant digits to save memory: there is one histogram for each overlay in each
   * thread.
   */
  readonly #latency: RecordableHistogram = createHistogram({ lowest: 1, highest: 600_000_000, figures: 2 })
  /** Open connections, each with the generation of the route that dialled it. */
  readonly #sockets = new Map<Socket, number>()
  /** Dials in progress, by generation. */
  readonly #under = new Map<number, number>()

  constructor(route: Route) {
    this.overlay = route.overlay
    this.application = route.application
    this.#route = route
  }

  /** Counts a dial from its start. */
  begin(route: Route, target: Target, driver: Pick<Driver, 'entrances'>): DialRecord {
    const trace = currentFrame()?.trace
    this.#driver = driver
    if (route.generation >= this.#route.generation) this.#route = route
    this.#dialling += 1
    this.#count(route.generation, 1)
    const began = performance.now()
    const end = (error?: unknown, span = trace) => {
      this.#dialling -= 1
      this.#count(route.generation, -1)
      const milliseconds = performance.now() - began
      const isOwn = route.overlay === threadOverlay()
      if (error === undefined) {
        if (isOwn) countDial(milliseconds, span)
        this.#latency.record(Math.max(1, Math.round(milliseconds * microseconds)))
      } else if (isOwn) count(counter.dialsFailed)
      if (!dials.hasSubscribers) return
      const { overlay, generation } = route
      const about = { ...(trace !== undefined && { trace }), ...(error !== undefined && { error }) }
      dials.publish({ overlay, generation, target, milliseconds, ...about } satisfies DialEvent)
    }
    return {
      opened: (socket, span) => {
        end(undefined, span)
        this.#opened += 1
        this.#works = true
        connectionOpened(socket, this, 'out', `${target.host}:${target.port}`)
        this.#keep(socket, route.generation)
      },
      failed: (error) => {
        end(error)
        this.#failed += 1
        this.#fail(error)
      },
    }
  }

  /** Moves the record of the connection of `from` to `to`. */
  move(from: Socket, to: Socket): boolean {
    const generation = this.#sockets.get(from)
    if (generation === undefined) return false
    this.#sockets.delete(from)
    connectionContinues(from, to)
    this.#keep(to, generation)
    return true
  }

  /** Counts a connection that arrived. */
  came({ generation }: Route, socket: Socket, peer: string): void {
    this.#accepted += 1
    connectionOpened(socket, this, 'in', peer)
    this.#keep(socket, generation)
  }

  view(): OverlayHealth {
    const entrances = this.#driver.entrances?.(this.#route) ?? []
    const down = entrances.filter(({ state }) => state === 'down').length
    const works = this.#works && (down === 0 || down < entrances.length)
    let [bytesSent, bytesReceived] = [this.#sent, this.#received]
    for (const socket of this.#sockets.keys()) {
      bytesSent += socket.bytesWritten
      bytesReceived += socket.bytesRead
    }
    return {
      overlay: this.overlay,
      generation: this.#route.generation,
      state: !works ? 'down' : down > 0 ? 'degraded' : 'up',
      ...(this.#lastError && { lastError: this.#lastError }),
      opened: this.#opened,
      failed: this.#failed,
      dialling: this.#dialling,
      accepted: this.#accepted,
      open: this.#sockets.size,
      bytesSent,
      bytesReceived,
      latency: this.#latencyView(),
      ...(entrances.length > 1 && { entrances }),
    }
  }

  /** The oldest generation with open connections or dials in progress. */
  get oldest(): number | undefined {
    const generations = [...this.#sockets.values(), ...this.#under.keys()]
    return generations.length === 0 ? undefined : Math.min(...generations)
  }

  /** Destroys connections that were dialled by that generation, or an older one. */
  cut(generation: number, error: TroupeError): void {
    for (const [socket, dialledBy] of [...this.#sockets]) if (dialledBy <= generation) socket.destroy(error)
  }

  #count(generation: number, by: number): void {
    const count = (this.#under.get(generation) ?? 0) + by
    if (count === 0) this.#under.delete(generation)
    else this.#under.set(generation, count)
  }

  #latencyView(): DialLatency {
    const { count, min, mean, max } = this.#latency
    if (count === 0) return { count, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }
    const at = (percentile: number) => this.#latency.percentile(percentile) / microseconds
    return {
      count,
      min: min / microseconds,
      mean: mean / microseconds,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      max: max / microseconds,
    }
  }

  #fail(thrown: unknown): void {
    const error = thrown instanceof TroupeError ? thrown : new TroupeError('Unknown', String(thrown))
    const { kind, message } = error
    if (kind === 'Canceled') return
    this.#lastError = { at: Date.now(), kind, message }
    // A response from the far side of the overlay shows that the overlay works.
    if (kind === 'Unavailable' || kind === 'Timeout') this.#works = 'replyCode' in error.details
  }

  /**
   * Counts a connection until it is destroyed. No listener is put on the socket, so it looks untouched to its receiver.
   * The socket is not referenced beyond its life, because retained sockets are expensive for the garbage collector.
   */
  #keep(socket: Socket, generation: number): void {
    this.#sockets.set(socket, generation)
    const destroy = socket._destroy.bind(socket)
    socket._destroy = (error, done) => {
      destroy(error, done)
      this.#forget(socket)
    }
  }

  #forget(socket: Socket): void {
    if (!this.#sockets.delete(socket)) return
    connectionClosed(socket)
    this.#sent += socket.bytesWritten
    this.#received += socket.bytesRead
  }
}

export interface DialRecord {
  /** @param span - The place of its span, if it has one. @default that of the code that dialled */
  opened(socket: Socket, span?: string): void
  failed(error: unknown): void
}

/** By application and overlay. */
const records = new Map<string, OverlayRecord>()

/** Counts a dial that begins. */
export function recordDial(route: Route, target: Target, driver: Pick<Driver, 'entrances'>): DialRecord {
  return recordOf(route).begin(route, target, driver)
}

/** Counts a connection that arrived, until it is destroyed. @param peer - Its peer, for people. */
export function recordAccepted(route: Route, socket: Socket, peer: string): void {
  recordOf(route).came(route, socket, peer)
}

function recordOf(route: Route): OverlayRecord {
  const key = `${route.application ?? ''} ${route.overlay}`
  let record = records.get(key)
  if (record === undefined) records.set(key, (record = new OverlayRecord(route)))
  return record
}

/**
 * Records that the dialled connection of `from` continues in `to`, because its handle moves there. Call it before the
 * handle is moved.
 */
export function connectionMoved(from: Socket, to: Socket): void {
  notifyFollower(from, to)
  for (const record of records.values()) if (record.move(from, to)) return
}

/** Returns the oldest generation of an overlay with connections in this thread that are open or being opened. */
export function oldestStream(of: OverlayOf): number | undefined {
  const found = recordsOf(of).flatMap(({ oldest }) => oldest ?? [])
  return found.length === 0 ? undefined : Math.min(...found)
}

/** Destroys the connections of an overlay of that generation, or older. */
export function cutStreams(of: OverlayOf, generation: number): void {
  const { overlay } = of
  const error = new TroupeError(
    'Unavailable',
    `overlay ${overlay} was replaced, and the drain time for connections through the old one is over`,
    {
      details: { overlay },
    },
  )
  for (const record of recordsOf(of)) record.cut(generation, error)
}

/**
 * An application has stopped: its connections in this thread end, and none is used later, also where another
 * application gives an overlay the same id.
 */
export function endStreams(application: number): void {
  for (const [key, record] of records) {
    if (record.application !== application) continue
    records.delete(key)
    const { overlay } = record
    overlayChanged(overlay)
    const message = `the application of overlay ${overlay} has stopped`
    record.cut(Infinity, new TroupeError('Unavailable', message, { details: { overlay }, retryable: false }))
  }
}

function recordsOf(of: OverlayOf): readonly OverlayRecord[] {
  return [...records.values()].filter((record) => isSameOverlay(record, of))
}

/**
 * Returns the health of each overlay that was dialled in this thread, by id.
 *
 * @param application - Of one application. @default of all that run in this thread
 * @example
 * ```ts
 * const [proxy] = overlayHealth()
 * if (proxy?.state === 'down') log.warn(proxy.lastError?.message)
 * ```
 */
export function overlayHealth(application?: number): readonly OverlayHealth[] {
  return [...records.values()]
    .filter((record) => application === undefined || record.application === application)
    .map((record) => record.view())
    .toSorted((a, b) => (a.overlay < b.overlay ? -1 : 1))
}
