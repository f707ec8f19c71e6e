/**
 * The output of a thread. Node's streams of a worker send one chunk, and the next one when the main thread requests it:
 * the rest is lost with the thread, and the order of the two streams is lost. Here both streams send at once, over one
 * port, until the kernel holds too much unwritten output.
 */
import { WriteStream } from 'node:tty'
import { type Output, OutputLedger, type OutputStream, type ThreadStreams } from '../shared-memory/output-ledger.ts'

/**
 * Characters or bytes of a thread that the kernel may hold. Beyond it, a writer that respects backpressure (`write`
 * returns false) waits.
 */
const mostHeld = 4 << 20

const cursorMoves = ['clearLine', 'clearScreenDown', 'cursorTo', 'moveCursor'] as const

interface Piece {
  readonly chunk: unknown
  readonly encoding: BufferEncoding
}

type Tell = (output: Output) => void

/** Sends the output of this thread. Each thread has one, whatever its work is. */
class Printer {
  #tell: Tell
  #ledger: OutputLedger
  /** Units sent since the ledger was created. */
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

  /** From now on sends the output through `tell`, counted in another ledger. */
  serve({ ledger }: ThreadStreams, tell: Tell): void {
    this.flush()
    this.#tell = tell
    this.#ledger = new OutputLedger(ledger)
    this.#sent = 0
  }

  /** Sends all output so far. */
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
    // As in the main thread: a failed write does not close a stream, so that each later write fails as well.
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

  /** Adds what programs query on a terminal. */
  #likeTerminal(stream: NodeJS.WriteStream, depth: number): void {
    const ledger = () => this.#ledger
    Object.defineProperties(stream, {
      isTTY: { value: true, enumerable: true, configurable: true },
      columns: { get: () => ledger().columns, enumerable: true, configurable: true },
      rows: { get: () => ledger().rows, enumerable: true, configurable: true },
      getWindowSize: { value: () => [ledger().columns, ledger().rows], configurable: true },
      getColorDepth: { value: () => depth, configurable: true },
      hasColors: { value: hasColors(depth), configurable: true },
      ...Object.fromEntries(
        cursorMoves.map((name) => [name, Object.getOwnPropertyDescriptor(WriteStream.prototype, name) ?? {}]),
      ),
    })
  }
}

let printer: Printer | undefined

/** From now on sends the output of the thread through `tell`. */
export function redirectOutput(streams: ThreadStreams, tell: Tell): void {
  if (printer === undefined) printer = new Printer(streams, tell)
  else printer.serve(streams, tell)
}

/** Sends the output so far and waits for room, because the thread may end afterwards. */
export function flushOutput(): void {
  printer?.flush()
}

/** Text as it is; a copy of bytes, because a view would carry its whole buffer. */
function plain({ chunk, encoding }: Piece): string | Uint8Array {
  if (chunk instanceof Uint8Array) return new Uint8Array(chunk)
  const text = String(chunk)
  return encoding === 'utf8' || encoding === 'utf-8' ? text : new Uint8Array(Buffer.from(text, encoding))
}

/** `hasColors(count?, env?)` of a stream with this colour depth in bits. */
function hasColors(depth: number): (count?: unknown) => boolean {
  return (count) => (typeof count === 'number' ? count : 16) <= 2 ** depth
}
