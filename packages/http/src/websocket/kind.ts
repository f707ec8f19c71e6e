/** `http.websocket`: connections that are handed to processes as messages. */
import { defineKind, duration, type FieldsOf, reference } from '@troupe/registry'
import { z } from 'zod'
import { checkHandler, handlerFields } from '../connections/handler-fields.ts'

const fields = () =>
  z
    .strictObject({
      ...handlerFields,
      /**
       * Origins of pages that may connect, such as `https://example.com`; `*` for any.
       *
       * @default the origin that the page was loaded from
       */
      origins: z.array(z.string().min(1)).min(1).optional(),
      /** Subprotocols, the preferred one first. */
      protocols: z.array(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a subprotocol')).default([]),
      /** Maximum size of a message, in bytes; a longer one closes the connection with 1009. */
      maxPayload: z
        .int()
        .min(1)
        .max(0x3fff_ffff)
        .default(1024 * 1024),
      /**
       * Time between two pings; `0s` for never. A client that does not respond to a ping before the next one is cut
       * off.
       */
      pingInterval: duration().default(30_000),
      /** Offers `permessage-deflate` (RFC 7692). It uses memory for each connection. */
      compression: z.boolean().default(false),
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
  meta: () => ({ router: reference('http.router') }),
})

/** Fields of an `http.websocket`. Times are milliseconds. */
export type WebSocketFields = FieldsOf<typeof websocketKind>
