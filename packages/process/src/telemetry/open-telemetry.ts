/** Makes spans by the API of OpenTelemetry, which an application installs together with an SDK. */
import type * as Api from '@opentelemetry/api'
import {
  currentFrame,
  formatTrace,
  lazyModule,
  runOutsideSlots,
  parseTrace,
  type Span,
  type SpanAttributes,
  type SpanStart,
  type TraceContext,
  type Tracer,
  TroupeError,
} from '@troupe/core'
import { threadOverlay } from '@troupe/network'
import { createRequire } from 'node:module'
import { FrameContexts } from './frame-contexts.ts'
import { parseTraceState } from './trace-state.ts'

const api = lazyModule<typeof Api>(() => createRequire(import.meta.url)('@opentelemetry/api'))

/** What an SDK offers. */
export interface Connection {
  readonly start: Tracer
  /** Exports the spans that have ended. */
  readonly flush: () => Promise<void>
}

/** Spans that have begun and not ended, by their `traceparent`: code that runs in them finds the span itself. */
const begun = new Map<string, Api.Span>()

/** Puts the contexts of frames in force, unless the program has its own. */
export function provideContexts(): void {
  const { context, ROOT_CONTEXT } = api()
  context.setGlobalContextManager(
    new FrameContexts((trace) =>
      trace === undefined ? ROOT_CONTEXT : contextAt(ROOT_CONTEXT, currentFrame() ?? { trace }),
    ),
  )
}

/** Whether a tracer provider is registered in this thread, by whichever copy of the API. */
function isRegistered(): boolean {
  const globals: unknown = Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1'))
  return typeof globals === 'object' && globals !== null && 'trace' in globals
}

/** Returns what the SDK of this thread offers; `undefined` where none is registered. */
export function connect(): Connection | undefined {
  if (!isRegistered()) return undefined
  const provider = api().trace.getTracerProvider()
  const tracer = provider.getTracer('troupe')
  return {
    start: (start) => begin(tracer, start),
    flush: async () => {
      // The registered provider is behind a proxy, which cannot flush.
      await called(called(provider, 'getDelegate') ?? provider, 'forceFlush')
    },
  }
}

/** Calls a method, if there is one. */
function called(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null) return undefined
  const method: unknown = Reflect.get(object, name)
  return typeof method === 'function' ? Reflect.apply(method, object, []) : undefined
}

/** The context of work at a place in a trace. */
function contextAt(base: Api.Context, place: TraceContext): Api.Context {
  const { trace } = api()
  if (place.trace === undefined) return trace.deleteSpan(base)
  const own = begun.get(place.trace)
  if (own !== undefined) return trace.setSpan(base, own)
  const parsed = parseTrace(place.trace)
  if (parsed === undefined) return trace.deleteSpan(base)
  const { traceId, spanId, sampled } = parsed
  const { traceState } = place
  return trace.setSpanContext(base, {
    traceId,
    spanId,
    traceFlags: sampled ? 1 : 0,
    isRemote: true,
    ...(traceState !== undefined && { traceState: parseTraceState(traceState) }),
  })
}

function begin(
  tracer: Api.Tracer,
  { name, kind, attributes, parent, link, begins = false }: SpanStart,
): Span | undefined {
  const { context, isSpanContextValid, SpanKind, trace } = api()
  const active = context.active()
  const from = parent === undefined ? activeOf(active) : contextAt(active, parent)
  if (trace.getSpanContext(from) === undefined && !begins) return undefined
  const linked = link && trace.getSpanContext(contextAt(active, link))
  const overlay = threadOverlay()
  const kinds = {
    internal: SpanKind.INTERNAL,
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    producer: SpanKind.PRODUCER,
    consumer: SpanKind.CONSUMER,
  }
  // What the SDK starts for it, such as a timer or a connection, does not belong to the code that runs.
  const span = runOutsideSlots(() =>
    tracer.startSpan(
      name,
      {
        kind: kinds[kind],
        attributes: { ...(typeof overlay === 'string' && { 'troupe.overlay': overlay }), ...attributes },
        ...(linked && { links: [{ context: linked }] }),
      },
      from,
    ),
  )
  // In the SDK's own work, such as an export, there are no spans.
  return isSpanContextValid(span.spanContext()) ? new OpenSpan(span) : undefined
}

/** The context that code finds, also where the program has contexts of its own that do not know frames. */
function activeOf(active: Api.Context): Api.Context {
  const frame = currentFrame()
  return api().trace.getSpanContext(active) === undefined && frame !== undefined ? contextAt(active, frame) : active
}

class OpenSpan implements Span {
  readonly trace: string
  readonly traceState: string | undefined
  readonly #span: Api.Span

  constructor(span: Api.Span) {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext()
    this.#span = span
    this.trace = formatTrace({ traceId, spanId, sampled: (traceFlags & 1) === 1 })
    this.traceState = traceState?.serialize()
    begun.set(this.trace, span)
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes)
  }

  rename(name: string): void {
    this.#span.updateName(name)
  }

  end(error?: unknown): void {
    begun.delete(this.trace)
    if (error !== undefined) {
      // The message may contain what the application keeps secret.
      this.#span.setAttribute('error.type', nameOf(error))
      this.#span.setStatus({ code: api().SpanStatusCode.ERROR })
    }
    runOutsideSlots(() => {
      this.#span.end()
    })
  }
}

const other = '_OTHER'

/** A short word. The name and the kind of an error may be what code that is not trusted has set. */
function nameOf(error: unknown): string {
  const name = error instanceof TroupeError ? error.kind : error instanceof Error ? error.name : error
  return typeof name === 'string' && /^[\w.:-]{1,64}$/.test(name) ? name : other
}
