/**
 * A word of memory that a thread shares with the kernel alone: the kernel counts it up each time a route is replaced or withdrawn. A thread looks
 * at it before each dial, so no route outlives its withdrawal in any thread, however busy it is: what the kernel posts waits until the thread
 * comes to its loop, and code may dial before that. Each thread has a word of its own, since a thread can write what it can read.
 */

const words = new Map<SharedArrayBuffer, Int32Array<SharedArrayBuffer>>()

/** The word of one more thread. */
export function openRouteEpoch(): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  words.set(shared, new Int32Array(shared))
  return shared
}

/** The thread is gone. */
export function closeRouteEpoch(shared: SharedArrayBuffer): void {
  words.delete(shared)
}

/** That of the kernel's own thread. */
export const routeEpoch: SharedArrayBuffer = openRouteEpoch()

/** From now on every dial that starts, in every thread, asks for its route anew. */
export function routesChanged(): void {
  for (const word of words.values()) Atomics.add(word, 0, 1)
}
