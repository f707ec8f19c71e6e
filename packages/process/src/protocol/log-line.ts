/** Lines of the application's log, as threads pass them to the kernel. */
import type { LogLevel, OverlayChoice } from '@troupe/core'

/** A log line for the operator of the application. */
export interface LogLine {
  readonly level: LogLevel
  /** Unix time in milliseconds. */
  readonly time: number
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** W3C `traceparent` of the operation to which it belongs. */
  readonly trace: string | undefined
  /** The overlay in force. */
  readonly overlay: OverlayChoice
}
