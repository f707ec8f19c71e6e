/**
 * A word of memory that all threads share: the kernel counts it up each time a route is replaced or withdrawn. A thread looks at it before
 * each dial, so no route outlives its withdrawal in any thread, however busy it is: what the kernel posts waits until the thread comes to
 * its loop, and code may dial before that.
 */
const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
const word = new Int32Array(shared)

/** What threads are given to look at. */
export const routeWord: SharedArrayBuffer = shared

/** From now on every dial that starts, in every thread, asks for its route anew. */
export function routesChanged(): void {
  Atomics.add(word, 0, 1)
}
