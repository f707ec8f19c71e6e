/** Waits for the native code that runs in a thread, before the thread is ended. */
import { settledWithin, type WireError } from '@troupe/core'
import { nativePatience } from './native-timeout.ts'
import type { ToThread } from '../protocol/kernel-thread.ts'

/**
 * Milliseconds within which a thread must confirm the order to end. A thread that does not return to its event loop
 * would not let native work end either.
 */
const hearing = 500

export class NativeEnd {
  /** Set by the thread when it loads an addon. */
  readonly #addons: Int32Array<SharedArrayBuffer> | undefined
  readonly #post: (message: ToThread) => void
  readonly #heard = Promise.withResolvers<void>()
  readonly #over = Promise.withResolvers<void>()
  #isHeard = false
  #waited: Promise<void> | undefined

  constructor(addons: SharedArrayBuffer | undefined, post: (message: ToThread) => void) {
    this.#addons = addons && new Int32Array(addons)
    this.#post = post
  }

  /**
   * Settles when the thread may be ended; returns `undefined` if it may be ended at once. @param error - The error with
   * which its processes and calls end.
   */
  wait(error: WireError): Promise<void> | undefined {
    if (this.#addons === undefined || Atomics.load(this.#addons, 0) === 0) return undefined
    this.#waited ??= this.#wait(error)
    return this.#waited
  }

  /** The thread confirms that it waits for its native code. */
  heard(): void {
    this.#isHeard = true
    this.#heard.resolve()
  }

  /** Its native code has ended, or the thread has. */
  over(): void {
    this.heard()
    this.#over.resolve()
  }

  async #wait(error: WireError): Promise<void> {
    this.#post({ type: 'settle', error })
    await settledWithin(this.#heard.promise, hearing)
    if (this.#isHeard) await settledWithin(this.#over.promise, nativePatience)
  }
}
