/** W3C Trace Context: the `traceparent` that frames carry and HTTP requests send (https://www.w3.org/TR/trace-context/). */
import { randomBytes } from 'node:crypto'

/** A `traceparent`, taken apart. */
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
 * Parses a `traceparent`; `undefined` for what is none, which is to be ignored rather than refused (§4.3). Versions above 00 are read by what
 * they share with it.
 */
export function parseTrace(text: string): Trace | undefined {
  const [, version, traceId = '', spanId = '', flags = '', rest] = pattern.exec(text) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (isZero(traceId) || isZero(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** A trace as a `traceparent` of version 00. */
export function formatTrace({ traceId, spanId, sampled }: Trace): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/** A new trace, by random ids. */
export function newTrace(): string {
  return formatTrace({ traceId: randomId(16), spanId: randomId(8), sampled: true })
}

/** A new part of the operation that `parent` belongs to; of a new one where there is none. */
export function childTrace(parent: string | undefined): string {
  const trace = parent === undefined ? undefined : parseTrace(parent)
  return trace === undefined ? newTrace() : formatTrace({ ...trace, spanId: randomId(8) })
}

function isZero(id: string): boolean {
  return /^0+$/.test(id)
}

const poolSize = 4096
let pool = randomBytes(poolSize)
let used = 0

/** `bytes` random bytes in hexadecimal, cut from a pool, since asking the system each time costs more than a whole call. */
function randomId(bytes: number): string {
  if (used + bytes > poolSize) {
    pool = randomBytes(poolSize)
    used = 0
  }
  const id = pool.toString('hex', used, used + bytes)
  used += bytes
  return isZero(id) ? randomId(bytes) : id
}
