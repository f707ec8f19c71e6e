/** A process that runs for one connection, from the kernel's side. */
import { asTroupeError, type Pid, startTimer, stopTimer, type Timer, TroupeError } from '@troupe/core'
import type { Kernel } from '@troupe/process/kernel'

export class HandlerProcess {
  readonly pid: Pid
  readonly #kernel: Kernel
  #hasEnded = false
  #patience: Timer | undefined

  constructor(kernel: Kernel, pid: Pid) {
    this.#kernel = kernel
    this.pid = pid
  }

  ended(): void {
    this.#hasEnded = true
    stopTimer(this.#patience)
  }

  /** Handles the end of the connection: asks the process to stop, and ends it after `patience` milliseconds. */
  dismiss(patience: number): void {
    if (this.#hasEnded) return
    const gone = new TroupeError('Canceled', 'its connection is closed')
    this.#kernel.cancel(this.pid, gone.message).catch(ended)
    this.#patience = startTimer(() => {
      this.#kernel.terminate(this.pid, gone).catch(ended)
    }, patience)
  }
}

/** The process has ended by itself in the meantime. */
function ended(error: unknown): void {
  const troupeError = asTroupeError(error)
  if (troupeError.kind !== 'NotFound') throw troupeError
}
