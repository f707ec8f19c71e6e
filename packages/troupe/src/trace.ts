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
  /**
   * Returns the current `traceparent`, if there is one.
   *
   * @example
   * ```ts
   * const headers = { traceparent: trace.current() ?? '' }
   * ```
   */
  current(): string | undefined {
    return currentSlot()?.frame.trace
  },

  /**
   * Returns the current `traceparent`, or starts one. From now on, calls, spawns, messages and HTTP requests belong to
   * it; each call and spawn is its own span.
   *
   * @example
   * ```ts
   * trace.begin()
   * await funcs.call('app:ship')
   * ```
   */
  begin(): string {
    const slot = currentSlot()
    const traceparent = slot?.frame.trace ?? newTrace()
    if (slot !== undefined && slot.frame.trace === undefined) slot.frame = fork(slot.frame, { trace: traceparent })
    return traceparent
  },

  /**
   * Parses a `traceparent`; returns `undefined` for an invalid one.
   *
   * @example
   * ```ts
   * const parent = trace.parse('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
   * ```
   */
  parse: parseTrace,

  /**
   * Formats a `traceparent`.
   *
   * @example
   * ```ts
   * const parent = trace.parse(trace.begin())
   * if (parent !== undefined) console.log(trace.format(parent))
   * ```
   */
  format: formatTrace,
}
