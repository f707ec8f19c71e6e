/**
 * Spans of operations, for an SDK of OpenTelemetry. Without one there are none, and each place where a span could begin
 * costs one comparison. This file knows neither OpenTelemetry nor a clock: it holds what a thread's SDK provides.
 */
import type { Frame, FrameChange } from './frame.ts'

/** The role of a span, as in OpenTelemetry. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

/** Attributes of a span. They contain no payloads, no credentials and no queries. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** A place in a trace. */
export type TraceContext = Pick<Frame, 'trace' | 'traceState'>

/** The change that puts work at a place in a trace; none where there is no trace. */
export function traceChange({ trace, traceState }: TraceContext): FrameChange {
  return trace === undefined ? none : { trace, traceState }
}

const none: FrameChange = {}

/** What a span begins with. */
export interface SpanStart {
  /** Of few different values: never a pid, an id of a request or a path. */
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: SpanAttributes
  /** The place that it continues. @default that of the code that runs */
  readonly parent?: TraceContext | undefined
  /** A place to which it refers. */
  readonly link?: TraceContext | undefined
  /** Whether it begins a trace if there is none to continue. @default false */
  readonly begins?: boolean
}

/** A span that has begun. */
export interface Span extends TraceContext {
  /** Its own place: what belongs to it continues this one. */
  readonly trace: string
  set(attributes: SpanAttributes): void
  rename(name: string): void
  /** @param error - Why the operation failed, if it did: an error, or a word for `error.type`. */
  end(error?: unknown): void
}

/** Begins a span; `undefined` where no trace is to be continued. */
export type Tracer = (start: SpanStart) => Span | undefined

let tracer: Tracer | undefined
let areBegun = false

/** Sets what makes the spans of this thread. @param begins - See {@link beginsTraces}. */
export function setTracer(next: Tracer | undefined, begins = false): void {
  tracer = next
  areBegun = begins
}

/** Whether requests to HTTP services begin a trace if they belong to none. */
export function beginsTraces(): boolean {
  return areBegun
}

/** Whether this thread makes spans. */
export function isTracing(): boolean {
  return tracer !== undefined
}

/** Begins a span, if this thread makes any, and the code that runs belongs to a trace. */
export function startSpan(start: SpanStart): Span | undefined {
  return tracer?.(start)
}

/** Runs an operation; its end is the end of the span. */
export async function traced<T>(span: Span | undefined, work: () => Promise<T>): Promise<T> {
  try {
    const value = await work()
    span?.end()
    return value
  } catch (error) {
    span?.end(error)
    throw error
  }
}
