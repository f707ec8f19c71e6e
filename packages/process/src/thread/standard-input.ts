/** `process.stdin` of a thread: it reads the program's own, from the first read in the thread. */
import { Readable } from 'node:stream'
import type { TerminalFacts } from '../shared-memory/output-ledger.ts'

/** Returns the next bytes; `undefined` at the end. */
export type NextInput = () => Promise<Uint8Array | undefined>

/** Makes `process.stdin` read from `next`. */
export function redirectInput({ stdin }: TerminalFacts, next: NextInput): void {
  let stream: Readable | undefined
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    enumerable: true,
    get: () => {
      stream ??= inputStream(next, stdin)
      return stream
    },
  })
}

function inputStream(next: NextInput, isTerminal: boolean): Readable {
  const stream = new Readable({
    read() {
      next().then(
        (bytes) => this.push(bytes ?? null),
        () => this.push(null),
      )
    },
  })
  return Object.assign(stream, { fd: 0, ...(isTerminal && { isTTY: true }) })
}
