/**
 * What a thread prints. Node's streams of a worker send one chunk, and the next one when the main thread asks for it: the rest is lost with the
 * thread, and the two streams lose their order. Here both send at once, by one wire, until the kernel holds too much that is not written.
 */
import { WriteStream } from 'node:tty'
import { type Output, OutputLedger, type OutputStream, type ThreadStreams } from '../shared-memory/output-ledger.ts'

/** Characters or bytes of a thread that the kernel may hold; a writer that asks for room (`write` returns false) waits beyond that. */
const mostHeld = 4 << 20

const cursorMoves = ['clearLine', 'clearScreenDown', 'cursorTo', 'moveCursor'] as const

interface Piece {
  readonly chunk: unknown
  readonly encoding: BufferEncoding
}

type Tell = (output: Output) => void

/** Sends what this thread prints. There is one in each thread, whatever it works for. */
class Printer {
  #tell: Tell
  #ledger: OutputLedger
  /** Units sent since the ledger began. */
  #sent = 0
  /** Writes that wait for room. */
  readonly #waiting = new Set<() => void>()

  constructor({ terminal, ledger }: ThreadStreams, tell: Tell) {
    this.#tell = tell
    this.#ledger = new OutputLedger(ledger)
    this.#redirect(process.stdout, 1, terminal.stdout)
    this.#redirect(process.stderr, 2, terminal.stderr)
    process.on('exit', this.flush)
  }

  /** From now on the thread works for somebody else. */
  serve({ ledger }: ThreadStreams, tell: Tell): void {
    this.flush()
    this.#tell = tell
    this.#ledger = new OutputLedger(ledger)
    this.#sent = 0
  }

  /** Sends all that was printed. */
  readonly flush = (): void => {
    while (this.#waiting.size > 0) for (const proceed of this.#waiting) proceed()
  }

  #redirect(stream: NodeJS.WriteStream, number: OutputStream, depth: number | undefined): void {
    stream._write = (chunk: unknown, encoding, done) => {
      this.#put(number, [{ chunk, encoding }], done)
    }
    stream._writev = (pieces, done) => {
      this.#put(number, pieces, done)
    }
    // As in the main thread: a stream whose write failed is not closed by that, so that each later write fails as well.
    stream._destroy = (error, done) => {
      done(error)
      const undestroy: unknown = Reflect.get(stream, '_undestroy')
      if (typeof undestroy === 'function') Reflect.apply(undestroy, stream, [])
    }
    if (depth !== undefined) this.#likeTerminal(stream, depth)
  }

  #put(stream: OutputStream, pieces: readonly Piece[], done: (error?: Error | null) => void): void {
    const failure = this.#ledger.failure(stream)
    if (failure !== undefined) {
      done(failure)
      return
    }
    for (const piece of pieces) {
      const chunk = plain(piece)
      this.#sent += chunk.length
      this.#tell({ type: 'output', stream, chunk })
    }
    if (this.#ledger.held(this.#sent) <= mostHeld) done()
    else this.#wait(done)
  }

  #wait(done: () => void): void {
    const proceed = () => {
      if (this.#waiting.delete(proceed)) done()
    }
    this.#waiting.add(proceed)
    void this.#ledger.room(this.#sent, mostHeld >> 1).then(proceed)
  }

  /** What programs ask a terminal. */
  #likeTerminal(stream: NodeJS.WriteStream, depth: number): void {
    const ledger = () => this.#ledger
    Object.defineProperties(stream, {
      isTTY: { value: true, enumerable: true, configurable: true },
      columns: { get: () => ledger().columns, enumerable: true, configurable: true },
      rows: { get: () => ledger().rows, enumerable: true, configurable: true },
      getWindowSize: { value: () => [ledger().columns, ledger().rows], configurable: true },
      getColorDepth: { value: () => depth, configurable: true },
      hasColors: { value: hasColors(depth), configurable: true },
      ...Object.fromEntries(cursorMoves.map((name) => [name, Object.getOwnPropertyDescriptor(WriteStream.prototype, name) ?? {}])),
    })
  }
}

let printer: Printer | undefined

/** Sends what the thread prints by `tell` from now on. */
export function redirectOutput(streams: ThreadStreams, tell: Tell): void {
  if (printer === undefined) printer = new Printer(streams, tell)
  else printer.serve(streams, tell)
}

/** Sends what was printed and waits for room: the thread may end after that. */
export function flushOutput(): void {
  printer?.flush()
}

/** Text as it is; of bytes a copy, since a view would carry its whole buffer. */
function plain({ chunk, encoding }: Piece): string | Uint8Array {
  if (chunk instanceof Uint8Array) return new Uint8Array(chunk)
  const text = String(chunk)
  return encoding === 'utf8' || encoding === 'utf-8' ? text : new Uint8Array(Buffer.from(text, encoding))
}

/** `hasColors(count?, env?)` of a stream with so many bits of colour. */
function hasColors(depth: number): (count?: unknown) => boolean {
  return (count) => (typeof count === 'number' ? count : 16) <= 2 ** depth
}
