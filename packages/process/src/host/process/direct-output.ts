/** What an operating-system process prints, at a limited rate: a process that prints more waits for its turn, as at a slow terminal. */
import type { Readable } from 'node:stream'
import { startTimer } from '@troupe/core'
import type { OutputStream } from '../../shared-memory/output-ledger.ts'

/** Writes to one of the program's streams. `done` is called when what was written is held no longer. */
export type PrintChunk = (stream: OutputStream, chunk: Uint8Array, done: () => void) => void

/** Bytes that may be printed at once, and each second after that. */
const burst = 4 << 20
const rate = 2 << 20
const second = 1000
/** Of the last that was printed as an error, to tell why it ended. */
const keptWords = 4096

export class DirectOutput {
  readonly #print: PrintChunk
  #allowance = burst
  #at = performance.now()
  #isLimited = true
  #words = ''

  constructor(print: PrintChunk, stdout: Readable, stderr: Readable) {
    this.#print = print
    this.#pump(stdout, 1)
    this.#pump(stderr, 2)
  }

  /** The last that was printed as an error. */
  get lastWords(): string {
    return this.#words
  }

  /** The process has ended: what is left is little. */
  end(): void {
    this.#isLimited = false
  }

  #pump(from: Readable, stream: OutputStream): void {
    from.on('error', () => undefined)
    from.on('data', (chunk: Uint8Array) => {
      if (stream === 2) this.#words = (this.#words + Buffer.from(chunk).toString('latin1')).slice(-keptWords)
      from.pause()
      this.#print(stream, chunk, () => {
        this.#goOn(from, chunk.length)
      })
    })
  }

  #goOn(from: Readable, printed: number): void {
    const now = performance.now()
    this.#allowance = Math.min(burst, this.#allowance + ((now - this.#at) * rate) / second) - printed
    this.#at = now
    if (this.#allowance >= 0 || !this.#isLimited) from.resume()
    else startTimer(() => from.resume(), (-this.#allowance * second) / rate).unref()
  }
}
