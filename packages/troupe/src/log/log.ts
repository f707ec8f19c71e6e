/**
 * Writes lines of the application's log. They are sent to the kernel, which writes them with the process, its entry,
 * overlay and trace.
 */
import { currentFrame, type LogLevel } from '@troupe/core'
import { currentParticipant, currentRuntime } from '@troupe/process'
import { loggable } from './loggable.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * `log.info('started')`, or `log.info({ port }, 'started')`. Fields with names of secrets, and values of secret
 * variables, are not shown. Never throws, for any argument.
 */
export interface Write {
  (message: string): void
  (fields: Fields | Error, message?: string): void
}

function writer(level: LogLevel): Write {
  return (...given: readonly unknown[]) => {
    try {
      const { overlay, trace } = currentFrame() ?? {}
      const line = { level, time: Date.now(), ...partsOf(given), trace, overlay }
      // The result is ignored: no caller waits for it.
      currentRuntime()
        .kernel.request('log', line, currentParticipant().pid)
        .catch(() => undefined)
    } catch (error) {
      process.emitWarning(`a line of the log was lost: ${String(error)}`)
    }
  }
}

/** Message and fields, in either order; any other value is shown as well as possible. */
function partsOf([first, second]: readonly unknown[]): { readonly message: string; readonly fields: Fields } {
  if (isContent(first))
    return { message: second === undefined ? messageOf(first) : wordsOf(second), fields: contentOf(first) }
  return {
    message: wordsOf(first),
    fields: second === undefined ? {} : isContent(second) ? contentOf(second) : { value: loggable(second) },
  }
}

function isContent(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function contentOf(value: object): Fields {
  if (isError(value)) return { err: loggable(value) }
  const fields = loggable(value)
  return isFields(fields) ? fields : { value: fields }
}

function messageOf(value: object): string {
  return isError(value) ? wordsOf(value.message) : ''
}

function wordsOf(value: unknown): string {
  return typeof value === 'string' ? value : String(loggable(value))
}

function isError(value: object): value is Error {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The log of the application.
 *
 * @example
 * ```ts
 * const response = await fetch('https://example.org/')
 * log.info({ status: response.status }, 'fetched')
 * ```
 */
export const log: Readonly<Record<LogLevel, Write>> = Object.freeze({
  trace: writer('trace'),
  debug: writer('debug'),
  info: writer('info'),
  warn: writer('warn'),
  error: writer('error'),
  fatal: writer('fatal'),
})
