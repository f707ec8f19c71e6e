/** Where the command line writes. */
import type { Print } from 'troupe/app'

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
