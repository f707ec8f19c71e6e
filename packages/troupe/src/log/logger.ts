/** The application's log, as the kernel writes it: by pino, as JSON, or as text for people. */
import type { LogLine } from '@troupe/process'
import type { Asker } from '@troupe/process/kernel'
import type { AppConfig } from '@troupe/registry'
import { type Logger as Pino, pino } from 'pino'
import { redacted, redactedText } from './redact.ts'
import { type Shown, textLine } from './text.ts'

export interface LoggerOptions {
  readonly config: AppConfig['log']
  /** Values that never show, as they are now. */
  readonly secrets: () => ReadonlySet<string>
  /** Where lines go. */
  readonly write: (line: string) => unknown
  /** Then lines are text, unless the config says otherwise. */
  readonly forPeople: boolean
  /** Whether lines of text begin with the time. */
  readonly withTime: boolean
}

export class Logger {
  readonly #options: LoggerOptions
  readonly #pino: Pino
  readonly #isText: boolean

  constructor(options: LoggerOptions) {
    const { config, write, forPeople } = options
    this.#options = options
    this.#isText = config.format === 'auto' ? forPeople : config.format === 'text'
    this.#pino = pino(
      { level: config.level, base: null, timestamp: false },
      {
        write: (line: string) => {
          write(line.trimEnd())
        },
      },
    )
  }

  /** A line of the kernel's own. */
  readonly note = (message: string): void => {
    this.#put({ level: 'info', time: Date.now(), message: redactedText(message, this.#options.secrets()), fields: {} }, {})
  }

  /** A line of the application's code. */
  readonly line = ({ level, time, message, fields, trace, overlay }: LogLine, { record }: Asker): void => {
    const secrets = this.#options.secrets()
    const shown = redacted(fields, secrets)
    const { pid, entry } = record
    this.#put(
      {
        level,
        time,
        message: redactedText(message, secrets),
        entry,
        pid,
        fields: typeof shown === 'object' && shown !== null ? { ...shown } : {},
      },
      { pid, ...(entry && { entry }), ...(overlay && { overlay }), ...(trace !== undefined && { trace }) },
    )
  }

  #put(shown: Shown, facts: Readonly<Record<string, unknown>>): void {
    const { level, time, message, fields } = shown
    if (!this.#pino.isLevelEnabled(level)) return
    if (this.#isText) this.#options.write(textLine(shown, this.#options.withTime))
    else this.#pino[isLevel(level) ? level : 'info']({ time, ...facts, ...fields }, message)
  }
}

function isLevel(level: string): level is LogLine['level'] {
  return level in pino.levels.values
}
