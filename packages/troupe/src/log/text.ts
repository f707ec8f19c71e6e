/** Lines of the log for people: `12:00:00.123 WARN app:worker <3.1> slow { url: '…' }`. */
import { inspect } from 'node:util'
import { escaped } from './escape.ts'

export interface Shown {
  readonly level: string
  readonly time: number
  readonly message: string
  readonly entry?: string | undefined
  readonly pid?: string | undefined
  readonly fields: Readonly<Record<string, unknown>>
}

/** The level `info` is not shown; the time is shown only if the output is a terminal. */
export function textLine({ level, time, message, entry, pid, fields }: Shown, withTime: boolean): string {
  const parts = [
    withTime ? new Date(time).toISOString().slice(11, -1) : '',
    level === 'info' ? '' : level.toUpperCase(),
    entry ?? '',
    pid ?? '',
    message,
    Object.keys(fields).length === 0
      ? ''
      : inspect(fields, { breakLength: Number.POSITIVE_INFINITY, depth: 10, compact: true }),
  ]
  return escaped(parts.filter((part) => part !== '').join(' '))
}
