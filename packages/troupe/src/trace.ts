/** The W3C trace that work belongs to. None is begun by itself: it would join requests that nobody wants to be joined. */
import { currentSlot, fork, formatTrace, newTrace, parseTrace } from '@troupe/core'

export const trace = {
  /** The `traceparent` in force, if any. */
  current(): string | undefined {
    return currentSlot()?.frame.trace
  },

  /**
   * The `traceparent` in force; where there is none, one is begun here: calls, spawns, messages and HTTP requests from now on belong to it,
   * each call and spawn as a part of its own.
   */
  begin(): string {
    const slot = currentSlot()
    const traceparent = slot?.frame.trace ?? newTrace()
    if (slot !== undefined && slot.frame.trace === undefined) slot.frame = fork(slot.frame, { trace: traceparent })
    return traceparent
  },

  /** Takes a `traceparent` apart; `undefined` for what is none. */
  parse: parseTrace,

  /** Puts one together. */
  format: formatTrace,
}
