/** Where the command line writes. */
import { escapedLines, type Print, redactedText } from 'troupe/app'

/** What is asked for goes to `out`, whole lines; what is said about it to `err`. */
export interface Terminal {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /** What threads print with. @param isStrict - They see when it is lost. @default the program's standard streams */
  readonly printer?: (isStrict: boolean) => Print
  /** Called when threads could not be ended: the program must not wait for them. */
  readonly stuck?: () => void
}

/** This program's own standard streams. */
export const ownTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
}

/** A terminal that lets no secret and no control character pass to `err`. */
export interface GuardedTerminal extends Terminal {
  /** Hides these values, as they are whenever something is written. */
  readonly hide: (secrets: () => ReadonlySet<string>) => void
}

/** Guards a terminal. */
export function guarded(behind: Terminal): GuardedTerminal {
  const sources: (() => ReadonlySet<string>)[] = []
  const hidden = new Set<string>()
  return {
    ...behind,
    err: (line) => {
      for (const secrets of sources) for (const secret of secrets()) hidden.add(secret)
      behind.err(escapedLines(redactedText(line, hidden)))
    },
    hide: (secrets) => void sources.push(secrets),
  }
}
