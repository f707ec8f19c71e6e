/**
 * Threads and programs that Troupe itself starts, in whatever network the thread is that starts them: each is let past the table of ways out
 * by itself, so that there is no time in which code of others could do the same.
 */
import { property } from '../../sockets/internals.ts'

const own = new WeakSet<object>()
let starting = false

/** Marks `workerData` of a thread that runs the application's own start: a `Worker` that is given this very object is let start. */
export function ownThread<T extends object>(workerData: T): T {
  own.add(workerData)
  return workerData
}

/** Whether a `Worker` with these arguments is one of ours. */
export function isOwnThread([, options]: readonly unknown[]): boolean {
  const data = property(options, 'workerData')
  return typeof data === 'object' && data !== null && own.has(data)
}

/** Lets `spawn` start a program of ours: for that call alone, in which no other code runs. */
export function startProgram<T>(spawn: () => T): T {
  starting = true
  try {
    return spawn()
  } finally {
    starting = false
  }
}

/** Whether {@link startProgram} is at it. */
export function isStartingProgram(): boolean {
  return starting
}
