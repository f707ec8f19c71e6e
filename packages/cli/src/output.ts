/**
 * The program's standard output and error. They survive the loss of their readers: an application does not end because
 * a pipe closes or a disk is full.
 */
import type { Print } from 'troupe/app'

/** Called once for each stream that accepts no more output. */
export type OnLost = (stream: NodeJS.WriteStream, error: Error) => void

export class Output {
  /** Why a stream accepts no more output, by stream. */
  readonly #lost = new Map<NodeJS.WriteStream, Error>()
  readonly #onLost: OnLost

  constructor(onLost: OnLost) {
    this.#onLost = onLost
    for (const stream of [process.stdout, process.stderr]) this.#keep(stream)
  }

  /**
   * Prints for threads. With `strict`, the threads' own writes fail once a stream is lost, as they would in a Node
   * program.
   */
  printer(isStrict: boolean): Print {
    return (number, chunk, done) => {
      const stream = number === 1 ? process.stdout : process.stderr
      stream.write(chunk, () => {
        done(isStrict ? this.#lost.get(stream) : undefined)
      })
    }
  }

  /** Settles when everything that was written has left the program, or is lost. */
  async drained(): Promise<void> {
    await Promise.all(
      [process.stdout, process.stderr].map(async (stream) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        stream.write('', () => {
          resolve()
        })
        await promise
      }),
    )
  }

  /** A failed write must not destroy the stream: the disk may have room later, so later output need not be lost. */
  #keep(stream: NodeJS.WriteStream): void {
    const write = stream._write.bind(stream)
    stream._write = (chunk, encoding, done) => {
      write(chunk, encoding, (error) => {
        if (error) this.#lose(stream, error)
        else this.#lost.delete(stream)
        done()
      })
    }
    const writeAll = stream._writev?.bind(stream)
    if (writeAll === undefined) return
    stream._writev = (chunks, done) => {
      writeAll(chunks, (error) => {
        if (error) this.#lose(stream, error)
        else this.#lost.delete(stream)
        done()
      })
    }
  }

  #lose(stream: NodeJS.WriteStream, error: Error): void {
    const isNew = !this.#lost.has(stream)
    this.#lost.set(stream, error)
    if (isNew) this.#onLost(stream, error)
  }
}
