/** The streams that the command line writes to. */
import { isatty } from 'node:tty'
import { escapedLines, type Print, redactedText } from 'troupe/app'

/** Results go to `out` as whole lines; messages about them go to `err`. */
export interface Terminal {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /**
   * The streams that threads print to. @param isStrict - Threads see write errors.
   *
   * @default the program's standard streams
   */
  readonly printer?: (isStrict: boolean) => Print
  /** Whether people read `out`; otherwise programs do. @default unknown */
  readonly isTerminal?: boolean
  /** Aborts when nothing reads `out` any more, such as when its pipe was closed. */
  readonly lost?: AbortSignal
  /** Called when threads could not be ended: the program must not wait for them. */
  readonly stuck?: () => void
}

/** This program's own standard streams. */
export const ownTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  isTerminal: isatty(1),
}

/** A terminal that shows no control characters, and whose `err` shows no secrets. */
export interface GuardedTerminal extends Terminal {
  /** Returns the values to hide, read at each write. */
  readonly hide: (secrets: () => ReadonlySet<string>) => void
}

/** Wraps a terminal. */
export function guarded(behind: Terminal): GuardedTerminal {
  const sources: (() => ReadonlySet<string>)[] = []
  const hidden = new Set<string>()
  return {
    ...behind,
    // Names come from code, and a terminal obeys the controls of Unicode too. In JSON the escape means the same text.
    out: (line) => {
      behind.out(escapedLines(line))
    },
    err: (line) => {
      for (const secrets of sources) for (const secret of secrets()) hidden.add(secret)
      behind.err(escapedLines(redactedText(line, hidden)))
    },
    hide: (secrets) => void sources.push(secrets),
  }
}
