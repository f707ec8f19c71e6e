/**
 * The end of a process, after its last line of code. Messages that it sent without waiting are sent first, then its
 * EXIT, and only then may the kernel end its thread.
 */
import { settledWithin, type WireError } from '@troupe/core'
import type { DeadEnvelope } from '../mailbox/dead-letter-batch.ts'
import type { WireExit } from '../protocol/programs.ts'
import type { LocalProcess } from './process/local-process.ts'
import type { PendingSends } from './process/pending-sends.ts'
import type { Peers } from './messaging/peers.ts'
import { flushOutput } from './standard-output.ts'

/**
 * Milliseconds for which the end of a process waits while none of its last messages finds room: as long as the start of
 * a thread may take on a busy machine.
 */
const roomPatience = 2000
/** Milliseconds for which it waits for their arrival. Half of the time that a kill waits (`SharedHost`). */
const patience = 500

export interface ProcessExitOptions {
  readonly peers: Peers
  /** Whether the thread ends with its process. */
  readonly alone: boolean
  readonly onDead: (envelope: DeadEnvelope) => void
  /** Reports a failure to the kernel, which logs it. */
  readonly onFailed: (process: LocalProcess, error: WireError) => void
  /** Notifies the watchers of the process, and the processes linked to it. */
  readonly onOut: (process: LocalProcess, exit: WireExit) => void
  /** Waits for native code that may still run in the thread. */
  readonly nativeWork: () => Promise<void> | undefined
  /** Notifies the kernel. */
  readonly onOver: (process: LocalProcess, exit: WireExit) => void
}

export class ProcessExit {
  readonly #options: ProcessExitOptions

  constructor(options: ProcessExitOptions) {
    this.#options = options
  }

  /** @param hurry The process is ended by force: its messages that wait for room are lost at once. */
  say(process: LocalProcess, exit: WireExit, hurry: boolean): void {
    // Before its last messages are sent: its thread may be stopped while they wait.
    if ('error' in exit) this.#options.onFailed(process, exit.error)
    if (this.#options.alone) flushOutput()
    if (process.pendingSends?.isEmpty !== false) this.#goOut(process, exit)
    else void this.#sendOff(process, process.pendingSends, hurry).then(() => this.#goOut(process, exit))
  }

  async #sendOff(process: LocalProcess, pendingSends: PendingSends, hurry: boolean): Promise<void> {
    const left = await pendingSends.drain(hurry ? 0 : roomPatience)
    const reason = 'the sender ended before there was room for the message, or before its receiver name was resolved'
    for (const { to, topic, message } of left) this.#options.onDead({ from: process.pid, to, topic, reason, message })
  }

  #goOut(process: LocalProcess, exit: WireExit): void {
    this.#options.onOut(process, exit)
    const arrival = this.#options.alone ? this.#options.peers.arrival() : undefined
    if (arrival === undefined) this.#over(process, exit)
    else void settledWithin(arrival, patience).then(() => this.#over(process, exit))
  }

  /** Its thread ends with it, but only after native code in the thread has ended. */
  #over(process: LocalProcess, exit: WireExit): void {
    const work = this.#options.alone ? this.#options.nativeWork() : undefined
    if (work === undefined) this.#options.onOver(process, exit)
    else void work.then(() => this.#options.onOver(process, exit))
  }
}
