/** For whom processes and calls act, as other threads are notified of those who send to them: the frame of a message says it for nobody. */
import type { Frame, Pid } from '@troupe/core'
import type { SenderFrame } from '../../protocol/kernel-thread.ts'
import type { ProcessRecord, ProcessTable } from '../process-table.ts'

/** Of those that have ended, so many are remembered: what they sent last may still be under way. */
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
    const [oldest] = this.#ended.keys()
    if (this.#ended.size > mostRemembered && oldest !== undefined) this.#ended.delete(oldest)
  }
}
