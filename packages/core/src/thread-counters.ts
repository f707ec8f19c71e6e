/**
 * What happened in a thread since its start. The thread counts with plain stores, in memory that the kernel's thread
 * reads at any time, even while the thread is busy. A count costs one or two nanoseconds: there is no clock and no
 * atomic operation. Only the thread itself writes.
 */

import { type BucketExemplar, exemplarSize, mergeExemplars, readExemplars, writeExemplar } from './exemplars.ts'
import {
  addRequests,
  outcomeOf,
  readRequests,
  type RequestCount,
  requestOutcomes,
  requestPlace,
  requestTableSize,
} from './request-counters.ts'

/** Modules of Node by which code can leave the process; what an overlay refuses is counted under them. */
export const waysOut = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'fs',
  'inspector',
  'module',
  'net',
  'process',
  'quic',
  'sqlite',
  'tls',
  'worker_threads',
  'other',
] as const

/** A module of Node by which code can leave the process. */
export type WayOut = (typeof waysOut)[number]

/** Upper bounds of the latency buckets of dials, in milliseconds; the last bucket has none. */
export const latencyBounds = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const

/** Kinds of garbage collection, as V8 names them: of new objects, of all, in steps, of callbacks of weak references. */
export const gcKinds = ['minor', 'major', 'incremental', 'weakcb'] as const

/** A kind of garbage collection. */
export type GcKind = (typeof gcKinds)[number]

const names = [
  'processesStarted',
  'processesEnded',
  'processesFailed',
  /** Messages that processes and calls of this thread sent, to any thread. */
  'messagesSent',
  /** Messages that were put into mailboxes of this thread. */
  'messagesReceived',
  /** Messages that left mailboxes of this thread: they were taken, or dropped. */
  'messagesTaken',
  'callsStarted',
  'callsEnded',
  'callsFailed',
  'dialsOpened',
  'dialsFailed',
  'connectionsAccepted',
  'connectionsClosed',
  /** Bytes of connections through overlays, counted when a connection closes. */
  'bytesSent',
  'bytesReceived',
  /** Sum of the durations of the dials that opened a connection. */
  'dialMilliseconds',
] as const

/** The name of a counter. */
export type CounterName = (typeof names)[number]

function indexes(): Readonly<Record<CounterName, number>>
function indexes(): object {
  return Object.fromEntries(names.map((name, index) => [name, index]))
}

/** Where each counter is. */
export const counter = indexes()

const firstWay = names.length
const firstBucket = firstWay + waysOut.length
const firstGc = firstBucket + latencyBounds.length + 1
/** Of each kind, the number and the milliseconds. */
const perGcKind = 2
const size = firstGc + gcKinds.length * perGcKind
/** Those of requests follow: their overlays are known by names. */
const requestsAt = size
const exemplarsAt = requestsAt + requestTableSize
const dialBucketCount = latencyBounds.length + 1
const wholeSize = exemplarsAt + dialBucketCount * exemplarSize

/** Memory for the counters of one thread. */
export function counterMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(wholeSize * Float64Array.BYTES_PER_ELEMENT)
}

let own = new Float64Array(counterMemory())

/** Continues the counters of this thread in that memory. */
export function countIn(memory: SharedArrayBuffer): void {
  const shared = new Float64Array(memory)
  shared.set(own)
  own = shared
}

/** The memory in which this thread counts. */
export function ownCounters(): Float64Array {
  return own
}

/** Counts something. @param index - From {@link counter}. */
export function count(index: number, by = 1): void {
  own[index] = (own[index] ?? 0) + by
}

/** Counts a refusal. @param what What was used, as the error names it: `dns.resolveMx`. */
export function countRefusal(what: string): void {
  count(firstWay + waysOut.indexOf(wayOf(what)))
}

/** The module that the text of a refusal names. */
function wayOf(what: string): WayOut {
  const module = /(?:^|[ (])(?:node:)?_?([a-z_]+)\.[A-Za-z_]/.exec(what)?.[1]
  return waysOut.find((way) => way === module) ?? (what.startsWith('the program') ? 'child_process' : 'other')
}

/** Counts a request of the HTTP client. @param status - That of the response; `undefined` when there was none. */
export function countRequest(overlay: string | null, status: number | undefined): void {
  const outcome = requestOutcomes.indexOf(outcomeOf(status))
  count(requestsAt + placeOf(overlay) * requestOutcomes.length + outcome)
}

const places = new Map<string | null, number>()

function placeOf(overlay: string | null): number {
  const known = places.get(overlay)
  if (known !== undefined) return known
  const place = requestPlace(own.subarray(requestsAt), overlay)
  if (places.size < mostPlaces) places.set(overlay, place)
  return place
}

/** Overlays whose place is remembered. */
const mostPlaces = 64

const perSecond = 1000

/** Counts the duration of a dial that opened a connection. @param trace - The `traceparent` to which it belongs. */
export function countDial(milliseconds: number, trace?: string): void {
  const found = latencyBounds.findIndex((bound) => milliseconds <= bound)
  const bucket = found === -1 ? latencyBounds.length : found
  count(firstBucket + bucket)
  if (trace !== undefined) writeExemplar(own, exemplarsAt + bucket * exemplarSize, trace, milliseconds / perSecond)
  count(counter.dialMilliseconds, milliseconds)
  count(counter.dialsOpened)
}

/** Counts a garbage collection. */
export function countGc(kind: GcKind, milliseconds: number): void {
  const index = firstGc + gcKinds.indexOf(kind) * perGcKind
  count(index)
  count(index + 1, milliseconds)
}

/** The garbage collections of one kind. */
export interface GcCount {
  readonly count: number
  readonly milliseconds: number
}

/** The counters of one thread, or the sums of several. */
export interface Counts extends Readonly<Record<CounterName, number>> {
  /** What was refused in overlays and sealed threads, by the module of Node. */
  readonly refused: Readonly<Record<WayOut, number>>
  /** Dials that opened a connection, by duration: one number for each bound of {@link latencyBounds}, and the rest. */
  readonly dialBuckets: readonly number[]
  /** Of the buckets of dials that have one: the last dial that belongs to a sampled trace. */
  readonly dialExemplars: readonly BucketExemplar[]
  /** Garbage collections; 0 where they are not observed, because there are no metrics. */
  readonly gc: Readonly<Record<GcKind, GcCount>>
  /** Requests of the HTTP client, by overlay and outcome: only those that occurred. */
  readonly requests: readonly RequestCount[]
}

/** Reads counters. A value that no honest thread writes counts as 0. */
export function readCounts(memory: Float64Array): Counts
export function readCounts(memory: Float64Array): object {
  const at = (index: number) => {
    const value = memory[index] ?? 0
    return Number.isFinite(value) && value > 0 ? value : 0
  }
  return {
    ...Object.fromEntries(names.map((name, index) => [name, at(index)])),
    refused: Object.fromEntries(waysOut.map((way, index) => [way, at(firstWay + index)])),
    dialBuckets: Array.from({ length: dialBucketCount }, (_, index) => at(firstBucket + index)),
    dialExemplars: readExemplars(memory, exemplarsAt, dialBucketCount),
    gc: Object.fromEntries(
      gcKinds.map((kind, index) => {
        const first = firstGc + index * perGcKind
        return [kind, { count: at(first), milliseconds: at(first + 1) }]
      }),
    ),
    requests: readRequests(memory.subarray(requestsAt)),
  }
}

/** Adds the counters of a thread to a sum. */
export function addCounts(sum: Float64Array, memory: Float64Array): void {
  for (let index = 0; index < size; index += 1) {
    const value = memory[index] ?? 0
    if (Number.isFinite(value) && value > 0) sum[index] = (sum[index] ?? 0) + value
  }
  addRequests(sum.subarray(requestsAt), memory.subarray(requestsAt))
  mergeExemplars(sum, memory, exemplarsAt)
}

/** A sum of nothing. */
export function noCounts(): Float64Array {
  return new Float64Array(wholeSize)
}
