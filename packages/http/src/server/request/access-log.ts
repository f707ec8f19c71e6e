/**
 * The access log: a line for each response. It contains the template of the path, never the path itself, a query, a
 * header or an address: these may contain secrets.
 */
import { METHODS } from 'node:http'
import { Http2ServerResponse } from 'node:http2'
import type { AccessField, HttpServiceFields } from '../../config/service-kind.ts'
import type { ServerEnvironment } from './request-call.ts'
import { logLine } from './log.ts'
import { isSent, type Outgoing } from './outgoing.ts'

type Environment = ServerEnvironment['Bindings']

/** Clients of HTTP/2 can send any word as a method. */
const methods: ReadonlySet<string> = new Set(METHODS)

/** Logs the response of a request when it has ended, if the service logs its requests. */
export function followResponse(environment: Environment, { accessLog }: Pick<HttpServiceFields, 'accessLog'>): void {
  const { outgoing } = environment
  if (accessLog === false || outgoing === undefined) return
  const begun = performance.now()
  const bytes = accessLog === true || accessLog.includes('bytes') ? countBytes(outgoing) : () => 0
  outgoing.once('close', () => {
    const isWhole = isSent(outgoing)
    write(environment, accessLog, {
      status: outgoing.headersSent ? outgoing.statusCode : undefined,
      duration: Math.round((performance.now() - begun) * 10) / 10,
      bytes: bytes(),
      // The client disconnected, or the response was cut off.
      ...(!isWhole && { incomplete: true }),
    })
  })
}

/** Logs the response to a request for a WebSocket: 101, or that of the refusal. */
export function logUpgrade(
  environment: Environment,
  { accessLog }: Pick<HttpServiceFields, 'accessLog'>,
  status: number,
): void {
  if (accessLog !== false) write(environment, accessLog, { status })
}

interface Result {
  readonly status: number | undefined
  /** Milliseconds from the head of the request to the end of the response. */
  readonly duration?: number | undefined
  /** Bytes of the body, as they were sent. */
  readonly bytes?: number | undefined
  readonly incomplete?: boolean
}

function write(
  { call, incoming, route, template }: Environment,
  chosen: true | readonly AccessField[],
  { incomplete, status, duration, bytes }: Result,
): void {
  const method = incoming.method ?? ''
  const all: Readonly<Record<AccessField, unknown>> = {
    method: methods.has(method) ? method : 'other',
    path: route?.path ?? template,
    caller: call.answering.frame.actor?.id,
    status,
    duration,
    bytes,
  }
  const shown = Object.entries(all).filter(
    ([name, value]) => value !== undefined && (chosen === true || chosen.some((field) => field === name)),
  )
  const fields = { ...Object.fromEntries(shown), ...(incomplete === true && { incomplete }) }
  logLine(call, call.frameOfRequest, 'info', 'request', fields)
}

/** Counts the bytes that are written to a response. Without an access log, responses have Node's own methods. */
function countBytes(outgoing: Outgoing): () => number {
  let bytes = 0
  for (const name of ['write', 'end'] as const) {
    // In HTTP/2, `end` calls `write`.
    const counts = name === 'write' || !(outgoing instanceof Http2ServerResponse)
    const method: unknown = Reflect.get(outgoing, name)
    if (typeof method !== 'function') continue
    const counted = (...given: readonly unknown[]): unknown => {
      if (counts) bytes += sizeOf(given[0])
      return Reflect.apply(method, outgoing, given)
    }
    Object.defineProperty(outgoing, name, { value: counted, configurable: true, writable: true })
  }
  return () => bytes
}

function sizeOf(chunk: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk)
  return chunk instanceof Uint8Array ? chunk.byteLength : 0
}
