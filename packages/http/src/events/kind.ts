/** `http.events`: streams of server-sent events that processes write. */
import { defineKind, duration, type FieldsOf, reference } from '@troupe/registry'
import { z } from 'zod'
import { checkHandler, handlerFields } from '../connections/handler-fields.ts'

const fields = () =>
  z
    .strictObject({
      ...handlerFields,
      keepAlive: duration()
        .default(15_000)
        .describe('Time between two comments that keep the connection alive; `0s` for none.'),
      retry: duration()
        .optional()
        .describe("How long a browser waits before it reconnects. Default: the browser's own."),
    })
    .superRefine(checkHandler)

/**
 * @example
 * ```yaml
 * - name: news
 *   kind: http.events
 *   meta: { router: app:router }
 *   path: /news
 *   process: app:news
 *   host: app:processes
 * ```
 */
export const eventsKind = defineKind({
  kind: 'http.events',
  fields,
  meta: () => ({ router: reference('http.router').describe('The router that it belongs to.') }),
})

/** Fields of an `http.events`. Times are milliseconds. */
export type EventsFields = FieldsOf<typeof eventsKind>
