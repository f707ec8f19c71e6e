/**
 * W3C Trace Context: the `traceparent` that frames carry and HTTP requests send (https://www.w3.org/TR/trace-context/).
 */
import { randomBytes } from 'node:crypto'

/** A parsed `traceparent`. */
export interface Trace {
  /** 32 hexadecimal digits, not all zero: the whole operation. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all zero: the caller's part of it. */
  readonly spanId: string
  /** Whether the caller may have recorded it. */
  readonly sampled: boolean
}

const pattern = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/**
 * Parses a `traceparent`. Returns `undefined` for an invalid one, which must be ignored rather than rejected (
 * 4.3). Of versions above 00, only the fields that they share with 00 are read.
 */
export function parseTrace(text: string): Trace | undefined {
  const [, version, traceId = '', spanId = '', flags = '', rest] = pattern.exec(text) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (isZero(traceId) || isZero(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** Maximum number of characters of a `tracestate` (W3C Trace Context, 3.3.1.1). */
export const longestTraceState = 512

/** Whether a text can be a `tracestate`: at most 512 printable characters. What is in it belongs to its vendors. */
export function isTraceState(text: string): boolean {
  return text.length <= longestTraceState && /^[\x20-\x7e]+$/.test(text)
}

/** Reads the fields `traceparent` and `tracestate` of a request; `undefined` where no valid trace is given. */
export function traceOfFields(
  traceparent: unknown,
  tracestate: unknown,
): { readonly trace: string; readonly traceState: string | undefined } | undefined {
  const trace = typeof traceparent === 'string' ? parseTrace(traceparent) : undefined
  if (trace === undefined) return undefined
  const traceState = typeof tracestate === 'string' && isTraceState(tracestate) ? tracestate : undefined
  return { trace: formatTrace(trace), traceState }
}

/** Returns a trace as a `traceparent` of version 00. */
export function formatTrace({ traceId, spanId, sampled }: Trace): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/** Returns a new trace with random ids. */
export function newTrace(): string {
  return formatTrace({ traceId: randomId(16), spanId: randomId(8), sampled: true })
}

/** Returns a new span of the operation that `parent` belongs to; of a new operation if there is no parent. */
export function childTrace(parent: string | undefined): string {
  const trace = parent === undefined ? undefined : parseTrace(parent)
  return trace === undefined ? newTrace() : formatTrace({ ...trace, spanId: randomId(8) })
}

function isZero(id: string): boolean {
  return /^0+$/.test(id)
}

const poolSize = 4096
let pool = Buffer.alloc(0)
let used = poolSize

/**
 * Returns `bytes` random bytes in hexadecimal. They come from a pool, because a system call for each costs more than a
 * whole function call.
 */
function randomId(bytes: number): string {
  if (used + bytes > poolSize) {
    pool = randomBytes(poolSize)
    used = 0
  }
  const id = pool.toString('hex', used, used + bytes)
  used += bytes
  return isZero(id) ? randomId(bytes) : id
}
