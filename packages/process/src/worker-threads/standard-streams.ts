/** The program's standard streams, used for all threads. */
import { isatty } from 'node:tty'
import type { Output, OutputLedger, OutputStream, TerminalFacts } from '../shared-memory/output-ledger.ts'
import type { Thread } from './thread.ts'

/**
 * Writes to one of the program's streams. Calls `done` when the written data is no longer buffered, with the reason if
 * it was lost.
 */
export type Print = (stream: OutputStream, chunk: string | Uint8Array, done: (error?: Error | null) => void) => void

const printAsIs: Print = (stream, chunk, done) => {
  ;(stream === 1 ? process.stdout : process.stderr).write(chunk, done)
}

const all = new Set<StandardStreams>()

function measureAll(): void {
  for (const streams of all) streams.measure()
}

export class StandardStreams implements Disposable {
  readonly #print: Print
  readonly #ledgers = new Set<OutputLedger>()
  /** The data about the streams that a thread gets when it starts. */
  readonly terminal: TerminalFacts = {
    stdin: isatty(0),
    stdout: depthOf(process.stdout),
    stderr: depthOf(process.stderr),
  }

  constructor(print: Print = printAsIs) {
    this.#print = print
    // One listener for all applications of the program.
    if (all.size === 0) process.stdout.on('resize', measureAll)
    all.add(this)
  }

  /** A thread starts to print. */
  open(ledger: OutputLedger): void {
    this.#ledgers.add(ledger)
    this.#measure(ledger)
  }

  close(ledger: OutputLedger): void {
    this.#ledgers.delete(ledger)
  }

  /** Prints what a thread has sent. */
  print({ ledger }: Thread, { stream, chunk }: Output): void {
    if (ledger === undefined) return
    this.#print(stream, chunk, (error) => {
      ledger.print(chunk.length)
      if (error && 'errno' in error && typeof error.errno === 'number') ledger.fail(stream, Math.abs(error.errno))
    })
  }

  /** Prints what an operating-system process has written. */
  printChunk(stream: OutputStream, chunk: Uint8Array, done: () => void): void {
    this.#print(stream, chunk, done)
  }

  [Symbol.dispose](): void {
    if (all.delete(this) && all.size === 0) process.stdout.off('resize', measureAll)
  }

  /** The size of the terminal has changed. */
  measure(): void {
    for (const ledger of this.#ledgers) this.#measure(ledger)
  }

  #measure(ledger: OutputLedger): void {
    const screen = [process.stdout, process.stderr].find(({ isTTY }) => isTTY)
    if (screen !== undefined) ledger.resize(screen.columns, screen.rows)
  }
}

function depthOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? stream.getColorDepth() : undefined
}
