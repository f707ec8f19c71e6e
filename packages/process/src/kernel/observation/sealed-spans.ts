/**
 * The spans of threads that have no SDK: those of sealed hosts and operating-system processes. The kernel makes them of
 * what it does itself for such a thread, at the place in a trace that it issued to the process or call. Nothing that
 * the thread claims is in them, because its code is not trusted.
 */
import {
  emptyFrame,
  type Frame,
  fork,
  isTracing,
  parseTrace,
  type Span,
  type SpanStart,
  startSpan,
  type TraceContext,
  traceChange,
} from '@troupe/core'
import type { InheritedContext } from '../../protocol/programs.ts'
import type { Thread } from '../../worker-threads/thread.ts'

/** Spans that a thread has in a second at most: its code decides how often it asks for something. */
export const spansPerSecond = 100
const second = 1000

/** The work for which a span is made. */
export interface SealedWork {
  readonly thread: Pick<Thread, 'sealed'>
  /** As the kernel issued it. */
  readonly frame: Frame
  /**
   * The trace that the code claims for its request. Where that is another trace, such as that of a message, the kernel
   * cannot check it, and makes no span.
   */
  readonly inherit?: Pick<InheritedContext, 'trace'>
}

interface Usage {
  since: number
  spans: number
}

const usage = new WeakMap<object, Usage>()
/** Issued frames whose trace only a sealed thread has claimed. */
const claimed = new WeakSet<Frame>()

/**
 * A thread starts something, and the kernel has issued `issued` for that. The trace that a sealed thread claims is
 * passed on, as that of any thread. But the kernel makes spans in it only where it is the trace that it had issued.
 */
export function noteClaim(work: SealedWork, issued: Frame): void {
  if (work.thread.sealed && !isIssued(work)) claimed.add(issued)
}

/** Begins a span for a thread that makes none itself; `undefined` where there is no trace, or too many were made. */
export function sealedSpan(work: SealedWork, start: () => SpanStart): Span | undefined {
  if (!isTraced(work) || !takePlace(work.thread)) return undefined
  const begun = start()
  return startSpan({ ...begun, attributes: { ...begun.attributes, 'troupe.sealed': true }, parent: work.frame })
}

/**
 * The place in a trace of what a sealed thread starts: in the span of that, or, where too many were made, where the
 * thread itself is. `undefined` where it is what the thread claims.
 */
export function sealedPlace(work: SealedWork, span: Span | undefined): TraceContext | undefined {
  return span ?? (isTraced(work) ? work.frame : undefined)
}

/** The frame in which the kernel works for such a thread: it has the trace, and nothing else, of the issued frame. */
export function sealedFrame(work: SealedWork): Frame {
  return isTraced(work) && takePlace(work.thread) ? fork(emptyFrame, traceChange(work.frame)) : emptyFrame
}

function isTraced(work: SealedWork): boolean {
  return work.thread.sealed && isTracing() && work.frame.trace !== undefined && isIssued(work)
}

/** Whether the kernel knows that the work belongs to the trace of the frame. */
function isIssued({ frame, inherit }: SealedWork): boolean {
  if (claimed.has(frame)) return false
  return inherit === undefined || traceIdOf(inherit.trace) === traceIdOf(frame.trace)
}

/** A call or spawn carries the id of its trace with an id of its own. */
function traceIdOf(trace: string | undefined): string | undefined {
  return trace === undefined ? undefined : parseTrace(trace)?.traceId
}

function takePlace(thread: object): boolean {
  const now = performance.now()
  const known = usage.get(thread)
  if (known === undefined || now - known.since >= second) {
    usage.set(thread, { since: now, spans: 1 })
    return true
  }
  if (known.spans >= spansPerSecond) return false
  known.spans += 1
  return true
}
