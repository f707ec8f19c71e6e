/** The W3C trace that work belongs to. None starts by itself: it would link requests that should stay unlinked. */
import { currentSlot, fork, formatTrace, newTrace, parseTrace } from '@troupe/core'

/**
 * The W3C trace context (`traceparent`) of the code that calls.
 *
 * @example
 * ```ts
 * const header = trace.current()
 * ```
 */
export const trace = {
  /** Returns the current `traceparent`, if there is one. */
  current(): string | undefined {
    return currentSlot()?.frame.trace
  },

  /**
   * Returns the current `traceparent`, or starts one. From now on, calls, spawns, messages and HTTP requests belong to
   * it; each call and spawn is its own span.
   */
  begin(): string {
    const slot = currentSlot()
    const traceparent = slot?.frame.trace ?? newTrace()
    if (slot !== undefined && slot.frame.trace === undefined) slot.frame = fork(slot.frame, { trace: traceparent })
    return traceparent
  },

  /** Parses a `traceparent`; returns `undefined` for an invalid one. */
  parse: parseTrace,

  /** Formats a `traceparent`. */
  format: formatTrace,
}
