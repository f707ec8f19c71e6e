/** How parts of an application report what happened: to a log that somebody above them writes. */
import type { EntryId, Pid } from './id.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** What belongs to a line of the log beside its message. */
export interface LogNote {
  /** @default info */
  readonly level?: LogLevel
  /** The entry that it is about. */
  readonly entry?: EntryId | undefined
  /** The process or call that it is about. */
  readonly pid?: Pid
  /** Id of the actor in whose name that ran. */
  readonly actor?: string | undefined
  /** What went wrong: class, message, causes and the caller's own stack frames are shown. */
  readonly error?: unknown
  readonly fields?: Readonly<Record<string, unknown>>
  /** It is written whatever the level of the log. */
  readonly always?: boolean
}

/** Writes a line of the log. */
export type Log = (message: string, note?: LogNote) => void
