/** The logger of an application. */
import type { AppConfig, Registry } from '@troupe/registry'
import { Logger } from './logger.ts'

interface LogOptions {
  readonly onLog?: (line: string) => void
  readonly logFor?: 'people' | 'programs'
  /** Also gets each line, as it was written. */
  readonly tail?: { add(line: string): void } | undefined
}

/** Writes to stderr, unless the options name a receiver of lines. */
export function loggerOf(config: AppConfig, { env }: Registry, { onLog, logFor, tail }: LogOptions): Logger {
  const isTerminal = process.stderr.isTTY
  const write = onLog ?? ((line: string) => process.stderr.write(`${line}\n`))
  return new Logger({
    config: config.log,
    root: config.root,
    secrets: () => env.secrets,
    write: (line) => {
      tail?.add(line)
      write(line)
    },
    forPeople: logFor === undefined ? onLog !== undefined || isTerminal : logFor === 'people',
    withTime: onLog === undefined && isTerminal,
  })
}
