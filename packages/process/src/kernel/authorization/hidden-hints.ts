/**
 * Removes the names of other entries from errors: "did you mean" helps people, and would tell code that policies govern
 * what it may not list.
 */
import type { WireError } from '@troupe/core'

const hint = /; did you mean "[\w.-]+:[\w.-]+"\?/g

export function withoutHints(error: WireError): WireError {
  const { message, stack, cause, details } = error
  return {
    ...error,
    message: plain(message),
    details: withoutHintsIn(details),
    ...(stack !== undefined && { stack: plain(stack) }),
    ...(cause && { cause: withoutHints(cause) }),
  }
}

function plain(text: string): string {
  return text.replaceAll(hint, '')
}

/** Details contain the messages of problems, in lists. */
function withoutHintsIn(value: unknown): unknown {
  if (typeof value === 'string') return plain(value)
  if (Array.isArray(value)) return value.map(withoutHintsIn)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutHintsIn(part)]))
}
