/**
 * The end of a process, after its last line: what it sent and did not wait for goes out first, then its EXIT, and only then may the kernel
 * end its thread.
 */
import type { DeadLetter, WireExit } from '../protocol.ts'
import type { LocalProcess } from './local-process.ts'
import type { Peers } from './peers.ts'
import { within } from './timeout.ts'

/** How long the end of a process waits: for room for its last letters, and again for them to arrive. Half of what a kill waits (`SharedHost`). */
const patience = 500

export interface FarewellOptions {
  readonly peers: Peers
  /** The thread ends with its process. */
  readonly alone: boolean
  readonly onDead: (letter: DeadLetter) => void
  /** Tells those who watch the process, or are linked to it. */
  readonly onOut: (process: LocalProcess, exit: WireExit) => void
  /** Tells the kernel. */
  readonly onOver: (process: LocalProcess, exit: WireExit) => void
}

export class Farewell {
  readonly #options: FarewellOptions

  constructor(options: FarewellOptions) {
    this.#options = options
  }

  /** @param hurry The process is ended by force: its letters that wait for room are lost at once. */
  say(process: LocalProcess, exit: WireExit, hurry: boolean): void {
    const output = this.#options.alone ? unwritten() : undefined
    if (output === undefined && process.outbox?.isEmpty !== false) this.#goOut(process, exit)
    else void this.#sendOff(process, output, hurry).then(() => this.#goOut(process, exit))
  }

  async #sendOff(process: LocalProcess, output: Promise<unknown> | undefined, hurry: boolean): Promise<void> {
    const [left] = await Promise.all([process.outbox?.drain(hurry ? 0 : patience), within(patience, output)])
    const reason = 'the sender ended before there was room for it, or it was known whose the name is'
    for (const { to, topic } of left ?? []) this.#options.onDead({ from: process.pid, to, topic, reason })
  }

  #goOut(process: LocalProcess, exit: WireExit): void {
    this.#options.onOut(process, exit)
    const arrival = this.#options.alone ? this.#options.peers.arrival() : undefined
    if (arrival === undefined) this.#options.onOver(process, exit)
    else void within(patience, arrival).then(() => this.#options.onOver(process, exit))
  }
}

/** Settles when what was printed has left the thread, which a stream there does piece by piece, each time the main thread asks for more. */
function unwritten(): Promise<unknown> | undefined {
  const busy = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0)
  if (busy.length === 0) return undefined
  return Promise.all(
    busy.map(
      async (stream) =>
        new Promise<void>((resolve) => {
          stream.write('', () => {
            resolve()
          })
        }),
    ),
  )
}
