/**
 * What the code in a thread as a whole may do: all that its processes and calls may, since one that is there can act as any other of the
 * thread, and may leave code behind. Other threads are told with the introduction what to take from it.
 */
import { type Frame, type Pid, threadOf } from '@troupe/core'
import type { Privileges } from '../../protocol/kernel-thread.ts'
import type { ProcessRecord } from '../process-table.ts'

export interface ThreadPrivilegesOptions {
  readonly governs: (frame: Frame) => boolean
  /** A thread may do more than its peers were told. */
  readonly onChange: (thread: number, privileges: Privileges) => void
}

export class ThreadPrivileges {
  readonly #options: ThreadPrivilegesOptions
  /** Whether all code in a thread is asked about. */
  readonly #threads = new Map<number, boolean>()
  /** Threads that speak to a process because whoever configured the application said so, by that process. */
  readonly #acquainted = new Map<Pid, Set<number>>()
  /** What threads were let do to a process, as `thread action`, by that process. */
  readonly #permits = new Map<Pid, Set<string>>()

  constructor(options: ThreadPrivilegesOptions) {
    this.#options = options
  }

  of(thread: number): Privileges {
    return { policyEnforced: this.#threads.get(thread) ?? true }
  }

  /** A process or a call begins in a thread. */
  placed({ pid, frame }: ProcessRecord): void {
    const thread = threadOf(pid)
    const before = this.#threads.get(thread) ?? true
    const policyEnforced = before && this.#options.governs(frame)
    this.#threads.set(thread, policyEnforced)
    if (policyEnforced !== before) this.#options.onChange(thread, { policyEnforced })
  }

  /** Some code in a thread was let do `action` to a process. */
  permitted(thread: number, action: string, target: Pid): void {
    const permits = this.#permits.get(target)
    if (permits === undefined) this.#permits.set(target, new Set([`${thread} ${action}`]))
    else permits.add(`${thread} ${action}`)
  }

  /** A thread may send to a process and monitor it, whatever policies say, now or later. */
  acquaint(thread: number, target: Pid): void {
    const known = this.#acquainted.get(target)
    if (known === undefined) this.#acquainted.set(target, new Set([thread]))
    else known.add(thread)
  }

  /** Whether a thread may do `action` to a process, as far as that was asked. */
  may(thread: number, action: string, target: Pid): boolean {
    const isSpeaking = action === 'process.send' || action === 'process.monitor'
    if (isSpeaking && this.#acquainted.get(target)?.has(thread) === true) return true
    return !this.of(thread).policyEnforced || this.#permits.get(target)?.has(`${thread} ${action}`) === true
  }

  /** A process has ended: nobody does anything to it any more. */
  ended(pid: Pid): void {
    this.#permits.delete(pid)
    this.#acquainted.delete(pid)
  }

  /** The policies have changed: what was permitted is asked again. */
  forgetPermissions(): void {
    this.#permits.clear()
  }

  threadGone(thread: number): void {
    this.#threads.delete(thread)
  }
}
