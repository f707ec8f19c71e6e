/** Lines of the application's log. They go to the kernel, which writes them: with the process, its entry, overlay and trace. */
import { currentFrame } from '@troupe/core'
import { currentParticipant, currentRuntime, type LogLine, snapshot } from '@troupe/process'

type Level = LogLine['level']
type Fields = Readonly<Record<string, unknown>>

/** `log.info('started')`, or `log.info({ port }, 'started')`. Fields named like passwords, and values of secret variables, are not shown. */
export interface Write {
  (message: string): void
  (fields: Fields | Error, message?: string): void
}

function writer(level: Level): Write {
  return (first: string | Fields | Error, second?: string) => {
    const { fields, message } = partsOf(first, second)
    const { overlay, trace } = currentFrame() ?? {}
    const line = { level, time: Date.now(), message, fields, trace, overlay }
    const { pid } = currentParticipant()
    // Whether it was written, nobody waits to hear.
    void currentRuntime()
      .kernel.request('log', line, pid)
      .catch(() => undefined)
  }
}

function partsOf(first: string | Fields | Error, message: string | undefined): Pick<LogLine, 'fields' | 'message'> {
  if (typeof first === 'string') return { fields: {}, message: first }
  if (isError(first)) return { fields: { err: plainError(first) }, message: message ?? first.message }
  return { fields: cloneable(first), message: message ?? '' }
}

function isError(value: Fields | Error): value is Error {
  return value instanceof Error
}

/** What cannot cross to the kernel is told as text. */
function cloneable(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      try {
        return [key, value instanceof Error ? plainError(value) : snapshot(value)]
      } catch {
        return [key, String(value)]
      }
    }),
  )
}

function plainError(error: Error): object {
  const { name, message, stack } = error
  return { name, message, ...('kind' in error && { kind: error.kind }), stack }
}

/**
 * The log of the application.
 *
 * @example
 * ```ts
 * log.info({ url, status: response.status }, 'fetched')
 * ```
 */
export const log: Readonly<Record<Level, Write>> = Object.freeze({
  trace: writer('trace'),
  debug: writer('debug'),
  info: writer('info'),
  warn: writer('warn'),
  error: writer('error'),
  fatal: writer('fatal'),
})
