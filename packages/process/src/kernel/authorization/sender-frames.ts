/**
 * The actor, scope and values of processes and calls, for the threads to which they send. A message's own frame is not
 * trusted for this.
 */
import { type Frame, type Pid, forgetOldest } from '@troupe/core'
import type { SenderFrame } from '../../protocol/kernel-thread.ts'
import type { ProcessRecord, ProcessTable } from '../process-table.ts'

/** Number of ended processes and calls that are remembered, because their last messages may still be in flight. */
const mostRemembered = 4096

export class SenderFrames {
  readonly #processes: ProcessTable
  readonly #ended = new Map<Pid, Frame>()

  constructor(processes: ProcessTable) {
    this.#processes = processes
  }

  of(pid: Pid): SenderFrame | undefined {
    const frame = this.#processes.get(pid)?.frame ?? this.#ended.get(pid)
    return frame && { actor: frame.actor, scope: frame.scope, values: frame.values }
  }

  ended({ pid, frame }: ProcessRecord): void {
    if (frame.actor === undefined && frame.scope === undefined) return
    this.#ended.set(pid, frame)
    forgetOldest(this.#ended, mostRemembered)
  }
}
