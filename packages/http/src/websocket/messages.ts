/** The messages between a connection and its process. */
import { invalid } from '@troupe/core'
import { z } from 'zod'
import type { ConnectionOpen } from '../connections/connection-open.ts'

/** Payload of `ws.open`, the first message of a connection. The connection itself is the message's sender. */
export interface WebSocketOpen extends ConnectionOpen {
  /** The negotiated subprotocol; empty for none. */
  readonly protocol: string
}

/** Payload of `ws.close`, in both directions: how a connection was closed, or is to be closed (RFC 6455, 7.4). */
export interface WebSocketClose {
  /** The code of the close frame (RFC 6455, section 7.4). */
  readonly code: number
  /** The text of the close frame. */
  readonly reason: string
}

const close = z
  .strictObject({
    code: z
      .int()
      .refine(
        (code) =>
          code === 1000 ||
          (code > 1000 && code < 1015 && ![1004, 1005, 1006].includes(code)) ||
          (code >= 3000 && code < 5000),
        {
          message: 'expected a close code: 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999',
        },
      )
      .default(1000),
    reason: z
      .string()
      .refine((reason) => Buffer.byteLength(reason) <= 123, 'expected a reason of at most 123 bytes')
      .default(''),
  })
  .prefault({})

/** @throws TroupeError `Invalid` */
export function parseClose(payload: unknown): WebSocketClose {
  const parsed = close.safeParse(payload)
  if (parsed.success) return parsed.data
  throw invalid(
    `ws.close: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ')}`,
  )
}

/** Returns the outgoing data: text, or bytes. @throws TroupeError `Invalid` */
export function parseData(payload: unknown): string | Uint8Array {
  if (typeof payload === 'string' || payload instanceof Uint8Array) return payload
  if (payload instanceof ArrayBuffer) return new Uint8Array(payload)
  throw invalid('ws.send: expected a string, a Uint8Array or an ArrayBuffer as payload')
}
