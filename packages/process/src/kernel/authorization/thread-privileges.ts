/**
 * What the code in a thread as a whole may do: everything that its processes and calls may do, because code in a thread
 * can act as any other code there, and may leave code behind. Other threads are notified of it when they are
 * introduced, so that they know what to accept.
 */
import { type Frame, type Pid, threadOf } from '@troupe/core'
import type { Privileges } from '../../protocol/kernel-thread.ts'
import type { ProcessRecord } from '../process-table.ts'

export interface ThreadPrivilegesOptions {
  readonly governs: (frame: Frame) => boolean
  /** A thread may do more than its peers were notified of. */
  readonly onChange: (thread: number, privileges: Privileges) => void
}

export class ThreadPrivileges {
  readonly #options: ThreadPrivilegesOptions
  /** Whether policies govern all code in a thread. */
  readonly #threads = new Map<number, boolean>()
  /** Threads that may send to a process because the application's configuration allows it, by that process. */
  readonly #acquainted = new Map<Pid, Set<number>>()
  /** What threads were allowed to do to a process, as `thread action`, by that process. */
  readonly #permits = new Map<Pid, Set<string>>()

  constructor(options: ThreadPrivilegesOptions) {
    this.#options = options
  }

  of(thread: number): Privileges {
    return { policyEnforced: this.#threads.get(thread) ?? true }
  }

  /** A process or a call starts in a thread. */
  placed({ pid, frame }: ProcessRecord): void {
    const thread = threadOf(pid)
    const before = this.#threads.get(thread) ?? true
    const policyEnforced = before && this.#options.governs(frame)
    this.#threads.set(thread, policyEnforced)
    if (policyEnforced !== before) this.#options.onChange(thread, { policyEnforced })
  }

  /** Some code in a thread was allowed to perform `action` on a process. */
  permitted(thread: number, action: string, target: Pid): void {
    const permits = this.#permits.get(target)
    if (permits === undefined) this.#permits.set(target, new Set([`${thread} ${action}`]))
    else permits.add(`${thread} ${action}`)
  }

  /** Lets a thread send to a process and monitor it, regardless of policies, now or later. */
  acquaint(thread: number, target: Pid): void {
    const known = this.#acquainted.get(target)
    if (known === undefined) this.#acquainted.set(target, new Set([thread]))
    else known.add(thread)
  }

  /** Whether a thread may perform `action` on a process, according to earlier permission requests. */
  may(thread: number, action: string, target: Pid): boolean {
    const isSpeaking = action === 'process.send' || action === 'process.monitor'
    if (isSpeaking && this.#acquainted.get(target)?.has(thread) === true) return true
    return !this.of(thread).policyEnforced || this.#permits.get(target)?.has(`${thread} ${action}`) === true
  }

  /** A process has ended: its permissions are no longer needed. */
  ended(pid: Pid): void {
    this.#permits.delete(pid)
    this.#acquainted.delete(pid)
  }

  /** The policies have changed: permissions must be requested again. */
  forgetPermissions(): void {
    this.#permits.clear()
  }

  threadGone(thread: number): void {
    this.#threads.delete(thread)
  }
}
