/**
 * Keeps chains of promises and ticks from starving the event loop: code that awaits what settles without I/O never returns to the loop, so
 * timers, sockets and messages of other threads would wait for ever. What settles such promises asks here, and settles them later now and then.
 */

/** Milliseconds that one turn of the event loop may last before work is put off to the next one. */
export const turnSlice = 2
/** The loop is looked at so often that a slice has about this many looks. */
const looksPerSlice = 8
const maxStepsBetweenLooks = 64

// Taken once: code that replaces the globals changes nothing here.
const { nodeTiming } = performance
const now = performance.now.bind(performance)
const later = setImmediate

let stepsBetweenLooks = 1
let steps = 0
let lastLook = 0
let turn = -1
/** When the present turn was first looked at. */
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
  // Each step is put off until the loop has turned.
  stepsBetweenLooks = 1
  return true
}

/** A look costs a tenth of a microsecond: too much for each step of a fast chain, and nothing for one whose steps are long. */
function adapt(sinceLastLook: number): void {
  if (sinceLastLook > turnSlice / looksPerSlice) stepsBetweenLooks = Math.max(1, stepsBetweenLooks >> 1)
  else if (stepsBetweenLooks < maxStepsBetweenLooks) stepsBetweenLooks *= 2
}

/** Calls `then` with `value` once the event loop has had a turn. */
export function afterTurn<T>(then: (value: T) => void, value: T): void {
  later(then, value)
}

/** The promise itself, or, where the event loop is due a turn, one that settles like it after that turn. */
export function yielding<T>(promise: Promise<T>): Promise<T> {
  if (!yieldDue()) return promise
  // Its rejection is the caller's to handle, only later.
  promise.catch(() => undefined)
  return new Promise((resolve) => {
    later(resolve, promise)
  })
}
