/** The spans of function calls: one of the caller, and one in the thread that runs the function. */
import { type EntryId, type Frame, nameOf, namespaceOf, type Span, type SpanStart, startSpan } from '@troupe/core'

/** Of a call, for its caller. */
export function callSpan(entry: EntryId): Span | undefined {
  return startSpan(callStart(entry))
}

/** What the span of a call begins with. */
export function callStart(entry: EntryId): SpanStart {
  return { name: `call ${entry}`, kind: 'client', attributes: attributesOf(entry) }
}

/** Of the function, in the thread that runs it for another thread. */
export function runSpan(entry: EntryId, frame: Frame): Span | undefined {
  return startSpan({ ...runStart(entry), parent: frame })
}

/** What the span of a function begins with. */
export function runStart(entry: EntryId): SpanStart {
  return { name: `run ${entry}`, kind: 'server', attributes: attributesOf(entry) }
}

function attributesOf(entry: EntryId) {
  return {
    'rpc.system': 'troupe',
    'rpc.service': namespaceOf(entry),
    'rpc.method': nameOf(entry),
    'troupe.entry': entry,
  }
}
