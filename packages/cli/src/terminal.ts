/** Where the command line writes. */

/** What is asked for goes to `out`, whole lines; what is said about it to `err`. */
export interface Terminal {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
}

/** This program's own standard streams. */
export const ownTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
}
