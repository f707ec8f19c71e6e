/**
 * A word of memory that a thread shares only with the kernel. The kernel increments it each time a route is replaced or
 * withdrawn. A thread reads it before each dial, so no route outlives its withdrawal in any thread, however busy. A
 * posted message would not be enough: it waits until the thread returns to its loop, and code may dial before that.
 * Each thread has its own word, because a thread can write what it can read.
 */

const words = new Map<SharedArrayBuffer, Int32Array<SharedArrayBuffer>>()

/** Allocates the word of a new thread. */
export function openRouteEpoch(): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  words.set(shared, new Int32Array(shared))
  return shared
}

/** The thread has ended. */
export function closeRouteEpoch(shared: SharedArrayBuffer): void {
  words.delete(shared)
}

/** The word of the kernel's own thread. */
export const routeEpoch: SharedArrayBuffer = openRouteEpoch()

/** From now on every new dial, in every thread, requests its route again. */
export function routesChanged(): void {
  for (const word of words.values()) Atomics.add(word, 0, 1)
}
