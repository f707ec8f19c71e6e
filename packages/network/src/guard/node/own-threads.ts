/**
 * Threads and programs that Troupe itself starts, from a thread in any network. Each start gets a separate exception
 * from the table of ways out, so that no other code can use it at any time.
 */
import { property } from '../../sockets/internals.ts'

const own = new WeakSet<object>()
let starting = false

/**
 * Marks `workerData` of a thread that runs the application's own start: a `Worker` that gets this very object may
 * start.
 */
export function ownThread<T extends object>(workerData: T): T {
  own.add(workerData)
  return workerData
}

/** Whether a `Worker` with these arguments is started by Troupe. */
export function isOwnThread([, options]: readonly unknown[]): boolean {
  const data = property(options, 'workerData')
  return typeof data === 'object' && data !== null && own.has(data)
}

/** Lets `spawn` start a program of Troupe: only during that call, in which no other code runs. */
export function startProgram<T>(spawn: () => T): T {
  starting = true
  try {
    return spawn()
  } finally {
    starting = false
  }
}

/** Whether a {@link startProgram} call is running. */
export function isStartingProgram(): boolean {
  return starting
}
