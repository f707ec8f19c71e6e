/** Log lines of the application about requests. */
import { asTroupeError, type Frame } from '@troupe/core'
import { currentRuntime, type LogLine, type Participant } from '@troupe/process'

/** Logs that a request failed. No caller waits for the result of the logging. */
export function logFailure(
  by: Participant,
  frame: Frame,
  error: unknown,
  fields: Readonly<Record<string, unknown>>,
): void {
  const { kind, message, stack } = asTroupeError(error)
  const isOurs = kind === 'Unknown' || kind === 'Internal'
  logLine(by, frame, isOurs ? 'error' : 'info', `${kind}: ${message}`, {
    ...fields,
    ...(isOurs && stack !== undefined && { stack }),
  })
}

export function logLine(
  by: Participant,
  { trace, overlay }: Frame,
  level: LogLine['level'],
  message: string,
  fields: Readonly<Record<string, unknown>>,
): void {
  currentRuntime()
    .kernel.request('log', { level, time: Date.now(), message, fields, trace, overlay }, by.pid)
    .catch(() => undefined)
}
