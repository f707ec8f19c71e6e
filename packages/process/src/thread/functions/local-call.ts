/** A call of a function in the thread that runs it. */
import { type EntryId, type Frame, type Pid, runInSlot, TroupeError } from '@troupe/core'
import { lookLater } from '../builtins.ts'
import { Participant } from '../participant.ts'

/** Options of a {@link LocalCall}. */
export interface LocalCallOptions {
  /** The id of the call: its own, or the id of its caller for an inline call. */
  readonly pid: Pid
  /** The function that it runs. */
  readonly entry?: EntryId
  /** The frame that the kernel issued for that id. */
  readonly issued: Frame
  /** The frame in which it runs. */
  readonly frame: Frame
  /** Depth of nested calls in this thread, including this one. */
  readonly depth: number
}

/** A running call of a function. */
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

  /** Created on first use: most functions never use it. */
  override get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  override get ended(): boolean {
    return this.#ended
  }

  /** Runs the function until it returns or the call ends. */
  async run(fn: () => unknown): Promise<unknown> {
    try {
      return await new Promise((resolve, reject) => {
        this.#fail = reject
        // Not resolved with the function's promise itself: an error that occurs before that promise settles must still
        // count.
        Promise.resolve(runInSlot({ frame: this.#frame, owner: this }, fn)).then(resolve, reject)
      })
    } finally {
      lookLater()
      this.#ended = true
    }
  }

  /** Aborts its signal. The listeners run as part of the call: their errors end this call, and no other call. */
  cancel(reason: string): void {
    this.#reason ??= new TroupeError('Canceled', reason)
    const controller = this.#controller
    if (controller !== undefined) runInSlot({ frame: this.#frame, owner: this }, () => controller.abort(this.#reason))
  }

  /** Ends the call with an error, whatever its function is still doing. */
  fail(error: unknown): void {
    this.#fail?.(error)
  }
}
