/** The application's log, as the kernel writes it by means of pino: JSON, or text for people. */
import { lazyModule, type Log, type LogLevel, type Pid, threadOf } from '@troupe/core'
import type { LogLine } from '@troupe/process'
import type { Requester } from '@troupe/process/kernel'
import type { AppConfig } from '@troupe/registry'
import { createRequire } from 'node:module'
import type * as PinoPackage from 'pino'
import { z } from 'zod'
import { escapedJson } from './escape.ts'
import { fieldsOf, wordsOf } from './failure.ts'
import { Levels } from './levels.ts'
import { redacted, redactedText } from './redact.ts'
import { userFrames } from './stack.ts'
import { textLine } from './text.ts'

const pinoPackage = lazyModule<typeof PinoPackage>(() => createRequire(import.meta.url)('pino'))

export interface LoggerOptions {
  readonly config: AppConfig['log']
  /** The application's folder: positions in code are shown relative to it. */
  readonly root: string
  /** The current values that must never show. */
  readonly secrets: () => ReadonlySet<string>
  /** Writes the lines. */
  readonly write: (line: string) => unknown
  /** Whether lines are text, unless the config sets the format. */
  readonly forPeople: boolean
  /** Whether lines of text begin with the time. */
  readonly withTime: boolean
}

/** A log line before it is written. */
interface Entry {
  readonly level: LogLevel
  readonly time: number
  readonly message: string
  /** What the kernel knows. Nothing that code sends can change it. */
  readonly facts: Readonly<Record<string, unknown>> & {
    readonly pid?: string
    readonly entry?: string | undefined
    readonly overlay?: string | undefined
  }
  readonly fields: Readonly<Record<string, unknown>>
  readonly always?: boolean | undefined
}

/** Names that belong to the kernel: fields of code with such a name are shown separately. */
const factNames: ReadonlySet<string> = new Set([
  'level',
  'time',
  'msg',
  'pid',
  'entry',
  'actor',
  'thread',
  'overlay',
  'trace',
  'fields',
  '__proto__',
])
/** Milliseconds by which a thread's clock may differ from the kernel's. */
const maxSkew = 60_000
/** The maximum number of characters of a message. */
const longestMessage = 16 * 1024

/** A line from a thread, whose code is not trusted. */
const lineSchema = z.object({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).catch('info'),
  time: z.number().catch(Number.NaN),
  message: z.string().catch(''),
  fields: z.record(z.string(), z.unknown()).catch({}),
  trace: z.string().optional().catch(undefined),
  overlay: z.string().nullish().catch(undefined),
})

export class Logger {
  readonly #options: LoggerOptions
  #json: PinoPackage.Logger | undefined
  readonly #isText: boolean
  /** Which lines are written. */
  readonly levels: Levels
  /** Lines that were written. */
  readonly counts: Record<LogLevel, number> = { trace: 0, debug: 0, info: 0, warn: 0, error: 0, fatal: 0 }

  constructor(options: LoggerOptions) {
    const { config, forPeople } = options
    this.#options = options
    this.levels = new Levels(config)
    this.#isText = config.format === 'auto' ? forPeople : config.format === 'text'
  }

  /** Writes JSON. Text needs no pino. */
  get #pino(): PinoPackage.Logger {
    const { write } = this.#options
    this.#json ??= pinoPackage().pino(
      { level: 'trace', base: null, timestamp: false, depthLimit: 20, edgeLimit: 1000, serializers: { err: asItIs } },
      {
        write: (line: string) => {
          write(escapedJson(line.trimEnd()))
        },
      },
    )
    return this.#json
  }

  /** A line of the kernel itself. */
  readonly note: Log = (message, note = {}): void => {
    const { level = 'info', entry, pid, actor, overlay, trace, error, fields = {}, always } = note
    const facts = {
      ...about(pid),
      ...(entry && { entry }),
      ...(actor !== undefined && { actor }),
      ...(overlay && { overlay }),
      ...(trace !== undefined && { trace }),
    }
    const words = error === undefined ? message : `${message}: ${wordsOf(error, this.#options.root)}`
    const details =
      error === undefined
        ? fields
        : { ...fields, ...(this.#isText ? fieldsOf(error, this.#options.root) : { err: error }) }
    this.#put({ level, time: Date.now(), message: words, facts, fields: details, always })
  }

  /** A line of the application's code. */
  readonly line = (given: LogLine, { record }: Requester): void => {
    const { level, time, message, fields, trace, overlay } = lineSchema.parse(given)
    const now = Date.now()
    const { pid, entry, frame } = record
    const facts = {
      ...about(pid),
      ...(entry && { entry }),
      ...(frame.actor && { actor: frame.actor.id }),
      ...(typeof overlay === 'string' && { overlay }),
      ...(trace !== undefined && { trace }),
    }
    this.#put({ level, time: Math.abs(time - now) < maxSkew ? time : now, message, facts, fields })
  }

  #put({ level, time, message, facts, fields, always }: Entry): void {
    const { pid, entry, overlay } = facts
    if (always !== true && !this.levels.isEnabled(level, entry, overlay)) return
    this.counts[level] += 1
    const secrets = this.#options.secrets()
    const text = redactedText(message.slice(0, longestMessage), secrets)
    const shown = apart(redacted(fields, secrets))
    if (this.#isText) {
      const forPeople = withPlaces(shown, this.#options.root)
      this.#options.write(
        textLine({ level, time, message: text, entry, pid, fields: forPeople }, this.#options.withTime),
      )
    } else this.#pino[level]({ time, ...facts, ...shown }, text)
  }
}

function about(pid: Pid | undefined): { readonly pid?: Pid; readonly thread?: number } {
  return pid === undefined ? {} : { pid, thread: threadOf(pid) }
}

/** Separates the fields whose names belong to the kernel from the others. */
function apart(fields: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(fields)) return {}
  const entries = Object.entries(fields)
  const taken = entries.filter(([key]) => factNames.has(key))
  if (taken.length === 0) return fields
  return { ...Object.fromEntries(entries.filter(([key]) => !factNames.has(key))), fields: Object.fromEntries(taken) }
}

/** Positions in the application's code instead of whole stacks: people read them on one line. */
function withPlaces(fields: Readonly<Record<string, unknown>>, root: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (key === 'stack' && typeof value === 'string') return ['at', userFrames(value, root)]
      if (Array.isArray(value))
        return [key, value.map((item: unknown) => (isRecord(item) ? withPlaces(item, root) : item))]
      return [key, isRecord(value) ? withPlaces(value, root) : value]
    }),
  )
}

/** Errors are already plain data here. */
function asItIs(error: unknown): unknown {
  return error
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
