/** `http.websocket`: connections that are handed to processes as messages. */
import { defineKind, duration, type FieldsOf, reference } from '@troupe/registry'
import { z } from 'zod'

const fields = z
  .strictObject({
    /** Below the router's prefix; may hold parameters, as in `/rooms/{room}`. */
    path: z.string().startsWith('/', 'expected a path that begins with "/"'),
    /** What runs for each connection. */
    process: reference('process.ts').optional(),
    /** Where that runs. */
    host: reference('process.host').optional(),
    /** Arguments of its method. */
    input: z.array(z.unknown()).default([]),
    /** Name of a process that all connections are handed to, instead of one for each. */
    target: z.string().min(1).optional(),
    /** Origins of pages that may connect, as `https://example.com`; `*` for any. @default the origin that the page was asked from */
    origins: z.array(z.string().min(1)).min(1).optional(),
    /** Subprotocols, the one that is preferred first. */
    protocols: z.array(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a subprotocol')).default([]),
    /** Bytes of the longest message; a longer one closes the connection with 1009. */
    maxPayload: z
      .int()
      .min(1)
      .max(0x3fff_ffff)
      .default(1024 * 1024),
    /** Connections at a time; beyond, they are refused with 503. */
    maxConnections: z.int().min(1).optional(),
    /** How often a ping asks whether the other side is there; `0s` for never. One that does not answer by the next is cut off. */
    pingInterval: duration().default(30_000),
    /** What the other side, and the process, may take to come to an end. */
    closeTimeout: duration().default(10_000),
    /** Offers `permessage-deflate` (RFC 7692). It costs memory for each connection. */
    compression: z.boolean().default(false),
  })
  .superRefine(({ process, host, target }, context) => {
    if (target === undefined && process === undefined)
      context.addIssue({ code: 'custom', path: ['process'], message: 'expected the process that runs for each connection, or a target' })
    else if (target !== undefined && process !== undefined)
      context.addIssue({ code: 'custom', path: ['target'], message: 'expected either a process for each connection, or a target for all' })
    else if (process !== undefined && host === undefined)
      context.addIssue({ code: 'custom', path: ['host'], message: 'expected the host that the process runs in' })
  })

/**
 * @example
 * ```yaml
 * - name: chat
 *   kind: http.websocket
 *   meta: { router: app:router }
 *   path: /rooms/{room}
 *   process: app:chat
 *   host: app:processes
 * ```
 */
export const websocketKind = defineKind({ kind: 'http.websocket', fields, meta: { router: reference('http.router') } })

/** Fields of an `http.websocket`. Times are milliseconds. */
export type WebSocketFields = FieldsOf<typeof websocketKind>
