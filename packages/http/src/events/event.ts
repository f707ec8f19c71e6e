/** Server-sent events, as text (HTML, 9.2.5). */
import { invalid } from '@troupe/core'
import { z } from 'zod'

/** An event. `data` that is not text is sent as JSON. */
export interface ServerEvent {
  /** What it carries. */
  readonly data?: unknown
  /** The name of the event. @default `message` */
  readonly event?: string
  /** The id that a reconnecting browser sends as the last one it has seen. */
  readonly id?: string
  /** Milliseconds that a browser waits before it reconnects. */
  readonly retry?: number
}

const line = z.string().regex(/^[^\r\n]*$/, 'expected one line')
const schema = z.strictObject({
  data: z.unknown().optional(),
  event: line.optional(),
  id: line.regex(/^[^\0]*$/, 'expected no NUL').optional(),
  retry: z.int().min(0).optional(),
})

/**
 * Returns the text of an event.
 * @param given An event, or its data alone.
 * @throws TroupeError `Invalid`
 */
export function eventText(given: unknown): string {
  if (typeof given === 'string') return dataText(given)
  const { data: parsed, error } = schema.safeParse(given)
  if (parsed === undefined) {
    const issues = error.issues.map(({ path, message }) => `${path.map(String).join('.')} ${message}`.trim())
    throw invalid(`invalid event: ${issues.join('; ')}; expected a text, or { data, event, id, retry }`)
  }
  const { data, event, id, retry } = parsed
  const head = [
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
  ]
  const text = head.map((words) => `${words}\n`).join('')
  if (data === undefined) return `${text}\n`
  return `${text}${dataText(typeof data === 'string' ? data : JSON.stringify(data))}`
}

function dataText(data: string): string {
  return `${data
    .split(/\r\n|\r|\n/)
    .map((words) => `data: ${words}\n`)
    .join('')}\n`
}
