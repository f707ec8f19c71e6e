/**
 * What a server counts of its requests, in memory that the kernel reads at any time. The server counts with plain
 * stores, and only it writes. Memory begins with the counters of the whole server; those of each route follow,
 * and after them the exemplars of each route.
 */
import { type BucketExemplar, exemplarSize, mergeExemplars, readExemplars } from '@troupe/core'

/** Methods that are counted by name. */
const countedMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const

/** Classes of statuses; `none`: the connection ended before the response began. */
const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'] as const

/** Upper bounds of the durations, in seconds; the last bucket has none. */
export const durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** Routes that are counted apart; those beyond are counted together. */
export const mostRoutes = 256

/** Where each counter of the whole server is. */
export const serverCounter = { begun: 0, ended: 1, received: 2, sent: 3 } as const
const serverSize = 4
const classCount = statusClasses.length
const firstBucket = countedMethods.length * classCount
const bucketCount = durationBounds.length + 1
const secondsAt = firstBucket + bucketCount
const routeSize = secondsAt + 1

/** The first two routes are none of the application's: requests that have no route, and those of too many routes. */
export const ownRoutes = ['none', 'other'] as const

const exemplarsAt = serverSize + routeSize * mostRoutes
const wholeSize = exemplarsAt + exemplarSize * bucketCount * mostRoutes

/** Memory for the counters of one server. */
export function countMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(wholeSize * Float64Array.BYTES_PER_ELEMENT)
}

/** Where a request is counted. @param status - 0 for none. */
export function requestAt(route: number, method: string, status: number): number {
  const known = countedMethods.findIndex((each) => each === method)
  const methodAt = known === -1 ? countedMethods.length - 1 : known
  const ofStatus = Math.floor(status / 100) - 1
  const classAt = ofStatus >= 0 && ofStatus < classCount - 1 ? ofStatus : classCount - 1
  return serverSize + route * routeSize + methodAt * classCount + classAt
}

/** Where a duration is counted, where it is added, and where its exemplar is. */
export function durationAt(
  route: number,
  seconds: number,
): { readonly bucket: number; readonly sum: number; readonly exemplar: number } {
  let bucket = 0
  while (bucket < durationBounds.length && seconds > (durationBounds[bucket] ?? 0)) bucket += 1
  const start = serverSize + route * routeSize
  return { bucket: start + firstBucket + bucket, sum: start + secondsAt, exemplar: exemplarAt(route, bucket) }
}

/** Where the exemplar of a bucket is. */
export function exemplarAt(route: number, bucket: number): number {
  return exemplarsAt + (route * bucketCount + bucket) * exemplarSize
}

/** Requests of one route, of one server or of several. */
export interface RouteCounts {
  /** The path of its pattern; `none` for requests without a route, `other` for routes beyond the maximum. */
  readonly route: string
  /** By method and class of status: only those that occurred. */
  readonly requests: readonly { readonly method: string; readonly status: string; readonly count: number }[]
  /** Responses by duration: one more than there are bounds. */
  readonly buckets: readonly number[]
  /** The sum of the durations of all requests, in seconds. */
  readonly seconds: number
  /** Of buckets that have one. */
  readonly exemplars: readonly BucketExemplar[]
}

/** What a server counted. */
export interface ServerCounts {
  readonly inFlight: number
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Those that had requests. */
  readonly routes: readonly RouteCounts[]
}

/** Reads memory. A value that no honest server writes counts as 0. @param routes - Their paths, in order. */
export function readServerCounts(memory: Float64Array, routes: readonly string[]): ServerCounts {
  const at = (index: number) => {
    const value = memory[index] ?? 0
    return Number.isFinite(value) && value > 0 ? value : 0
  }
  return {
    inFlight: Math.max(0, at(serverCounter.begun) - at(serverCounter.ended)),
    bytesReceived: at(serverCounter.received),
    bytesSent: at(serverCounter.sent),
    routes: routes.flatMap((route, index): readonly RouteCounts[] => {
      const start = serverSize + index * routeSize
      const requests = countedMethods.flatMap((method, methodAt) =>
        statusClasses.flatMap((status, classAt) => {
          const count = at(start + methodAt * classCount + classAt)
          return count === 0 ? [] : [{ method, status, count }]
        }),
      )
      if (requests.length === 0) return []
      const buckets = Array.from({ length: bucketCount }, (_, bucket) => at(start + firstBucket + bucket))
      const exemplars = readExemplars(memory, exemplarAt(index, 0), bucketCount)
      return [{ route, requests, buckets, seconds: at(start + secondsAt), exemplars }]
    }),
  }
}

/** Adds the counters of a server that has ended to a sum. Requests that it did not end are over. */
export function addServerCounts(sum: Float64Array, memory: Float64Array): void {
  for (const [index, value] of memory.subarray(0, exemplarsAt).entries())
    if (Number.isFinite(value) && value > 0) sum[index] = (sum[index] ?? 0) + value
  mergeExemplars(sum, memory, exemplarsAt)
  sum[serverCounter.ended] = sum[serverCounter.begun] ?? 0
}
