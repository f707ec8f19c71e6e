/**
 * The output of an operating-system process, forwarded at a limited rate. A process that prints more is slowed down, as
 * by a slow terminal.
 */
import type { Readable } from 'node:stream'
import { startTimer } from '@troupe/core'
import type { OutputStream } from '../../shared-memory/output-ledger.ts'

/** Writes to one of the program's streams. Calls `done` when the written data is no longer buffered. */
export type PrintChunk = (stream: OutputStream, chunk: Uint8Array, done: () => void) => void

/** Bytes that may be printed at once, and per second after that. */
const burst = 4 << 20
const rate = 2 << 20
const second = 1000
/** Bytes kept from the end of stderr, to explain why the process ended. */
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

  /** The end of its stderr output. */
  get lastWords(): string {
    return this.#words
  }

  /** The process has ended: little is left to print. */
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
