/** `http.websocket`: connections that are handed to processes as messages. */
import { defineKind, duration, type FieldsOf, reference } from '@troupe/registry'
import { z } from 'zod'
import { checkHandler, handlerFields } from '../connections/handler-fields.ts'

const fields = () =>
  z
    .strictObject({
      ...handlerFields,
      origins: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          'Origins of pages that may connect, such as `https://example.com`; `*` for any. Default: the origin ' +
            'that the page was loaded from.',
        ),
      protocols: z
        .array(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a subprotocol'))
        .default([])
        .describe('Subprotocols, the preferred one first.'),
      maxPayload: z
        .int()
        .min(1)
        .max(0x3fff_ffff)
        .default(1024 * 1024)
        .describe('Maximum size of a message, in bytes; a longer one closes the connection with 1009.'),
      pingInterval: duration()
        .default(30_000)
        .describe(
          'Time between two pings; `0s` for never. A client that does not respond to a ping before the next one ' +
            'is cut off.',
        ),
      compression: z
        .boolean()
        .default(false)
        .describe('Offers `permessage-deflate` (RFC 7692). It uses memory for each connection.'),
    })
    .superRefine(checkHandler)

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
export const websocketKind = defineKind({
  kind: 'http.websocket',
  fields,
  meta: () => ({ router: reference('http.router').describe('The router that it belongs to.') }),
})

/** Fields of an `http.websocket`. Times are milliseconds. */
export type WebSocketFields = FieldsOf<typeof websocketKind>
