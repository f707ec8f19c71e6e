/** Lines of the application's log, as threads hand them to the kernel. */
import type { LogLevel, OverlayChoice } from '@troupe/core'

/** What code has to say to whoever runs the application. */
export interface LogLine {
  readonly level: LogLevel
  /** Unix time in milliseconds. */
  readonly time: number
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** W3C `traceparent` of the operation that it belongs to. */
  readonly trace: string | undefined
  /** The overlay in force. */
  readonly overlay: OverlayChoice
}
