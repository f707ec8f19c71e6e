/** `http.events`: streams of server-sent events that processes write. */
import { defineKind, duration, type FieldsOf, reference } from '@troupe/registry'
import { z } from 'zod'
import { checkHandler, handlerFields } from '../connections/handler-fields.ts'

const fields = () =>
  z
    .strictObject({
      ...handlerFields,
      /** Time between two comments that keep the connection alive; `0s` for none. */
      keepAlive: duration().default(15_000),
      /** How long a browser waits before it reconnects. @default the browser's own */
      retry: duration().optional(),
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
  meta: () => ({ router: reference('http.router') }),
})

/** Fields of an `http.events`. Times are milliseconds. */
export type EventsFields = FieldsOf<typeof eventsKind>
