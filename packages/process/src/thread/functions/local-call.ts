/** A call of a function, as the thread that runs it holds it. */
import { type EntryId, type Frame, type Pid, runInSlot, TroupeError } from '@troupe/core'
import { lookLater } from '../builtins.ts'
import { Participant } from '../participant.ts'

export interface LocalCallOptions {
  /** The id by which it goes: its own, or that of whoever called inline. */
  readonly pid: Pid
  /** The function that it runs. */
  readonly entry?: EntryId
  /** The frame that the kernel issued for that id. */
  readonly issued: Frame
  /** The frame in which it runs. */
  readonly frame: Frame
  /** Calls above it in this thread, itself included. */
  readonly depth: number
}

export class LocalCall extends Participant {
  readonly entry: EntryId | undefined
  readonly depth: number
  readonly #frame: Frame
  #fail: ((error: unknown) => void) | undefined
  #controller: AbortController | undefined
  #reason: TroupeError | undefined
  #ended = false

  constructor({ pid, entry, issued, frame, depth }: LocalCallOptions) {
    super(pid, issued)
    this.entry = entry
    this.depth = depth
    this.#frame = frame
  }

  /** Made only where it is asked for: most functions never do. */
  override get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  override get ended(): boolean {
    return this.#ended
  }

  /** Runs the function to its end, or to that of the call. */
  async run(fn: () => unknown): Promise<unknown> {
    try {
      return await new Promise((resolve, reject) => {
        this.#fail = reject
        // Not resolved with the function's promise itself: an error that comes before that settles must still count.
        Promise.resolve(runInSlot({ frame: this.#frame, owner: this }, fn)).then(resolve, reject)
      })
    } finally {
      lookLater()
      this.#ended = true
    }
  }

  /** Aborts its signal. The listeners run as the call: what they throw ends this call, and none of its neighbours. */
  cancel(reason: string): void {
    this.#reason ??= new TroupeError('Canceled', reason)
    const controller = this.#controller
    if (controller !== undefined) runInSlot({ frame: this.#frame, owner: this }, () => controller.abort(this.#reason))
  }

  /** Ends it with an error, whatever its function still does. */
  fail(error: unknown): void {
    this.#fail?.(error)
  }
}
