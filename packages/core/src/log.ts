/** Lets the parts of an application write to the log, whose implementation is in a higher package. */
import type { EntryId, Pid } from './id.ts'

/** The level of a log line, the least severe first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** What a log line contains beside its message. */
export interface LogNote {
  /** @default info */
  readonly level?: LogLevel
  /** The entry that the line is about. */
  readonly entry?: EntryId | undefined
  /** The process or call that the line is about. */
  readonly pid?: Pid
  /** The overlay that the line is about, or in which the work ran. */
  readonly overlay?: EntryId | undefined
  /** W3C `traceparent` of the operation that the work belongs to. */
  readonly trace?: string | undefined
  /** Id of the actor on whose behalf the work ran. */
  readonly actor?: string | undefined
  /** The failure: its class, message, causes and the user's own stack frames are shown. */
  readonly error?: unknown
  readonly fields?: Readonly<Record<string, unknown>>
  /** The line is written whatever the log level is. */
  readonly always?: boolean
}

/** Writes a log line. */
export type Log = (message: string, note?: LogNote) => void
