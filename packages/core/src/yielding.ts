/**
 * Keeps chains of promises and ticks from starving the event loop. Code that awaits promises which settle without I/O
 * never returns to the loop, so timers, sockets and messages of other threads would never run. Code that settles
 * such promises calls this module, which sometimes delays the settlement by a turn of the loop.
 */

/** Milliseconds that one turn of the event loop may last before work is postponed to the next turn. */
export const turnSlice = 2
/** The clock is checked about this many times per slice. */
const looksPerSlice = 8
const maxStepsBetweenLooks = 64

// Read once: code that replaces the globals later has no effect here.
const { nodeTiming } = performance
const now = performance.now.bind(performance)
const later = setImmediate

let stepsBetweenLooks = 1
let steps = 0
let lastLook = 0
let turn = -1
/** When the present turn was first checked. */
let turnBegan = 0

/** Whether the event loop has gone without a turn for longer than a slice. Counts as one step of the work. */
export function yieldDue(): boolean {
  steps += 1
  return steps >= stepsBetweenLooks && look()
}

function look(): boolean {
  steps = 0
  const at = now()
  adapt(at - lastLook)
  lastLook = at
  const { loopCount } = nodeTiming.uvMetricsInfo
  if (loopCount !== turn) {
    turn = loopCount
    turnBegan = at
    return false
  }
  if (at - turnBegan < turnSlice) return false
  // Each step is postponed until the loop has turned.
  stepsBetweenLooks = 1
  return true
}

/** A check costs a tenth of a microsecond: too much for each step of a fast chain, negligible for long steps. */
function adapt(sinceLastLook: number): void {
  if (sinceLastLook > turnSlice / looksPerSlice) stepsBetweenLooks = Math.max(1, stepsBetweenLooks >> 1)
  else if (stepsBetweenLooks < maxStepsBetweenLooks) stepsBetweenLooks *= 2
}

/** Calls `then` with `value` after the event loop has had a turn. */
export function afterTurn<T>(then: (value: T) => void, value: T): void {
  later(then, value)
}

/** The promise itself, or, when the event loop is due a turn, one that settles like it after that turn. */
export function yielding<T>(promise: Promise<T>): Promise<T> {
  if (!yieldDue()) return promise
  // The caller handles its rejection, only later.
  promise.catch(() => undefined)
  return new Promise((resolve) => {
    later(resolve, promise)
  })
}
