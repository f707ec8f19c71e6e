/**
 * The tasks in threads, as the kernel records them: code that acts under an id of its own and is no process. It acts in
 * the frame that the kernel issued for it.
 */
import { randomFillSync } from 'node:crypto'
import { type EntryId, type Frame, type Pid, pid } from '@troupe/core'
import type { WireExit } from '../protocol/programs.ts'
import type { Role } from '../protocol/requests.ts'
import type { OverlayGrants } from './authorization/overlay-grants.ts'
import type { ProcessRecord, ProcessTable } from './process-table.ts'
import type { Thread } from '../worker-threads/thread.ts'

/**
 * First serial of tasks, beyond the serials that processes ever reach. The range has the same number of serials, too
 * many to guess.
 */
const firstSerial = 2 ** 47

export interface TaskOrder {
  readonly entry: EntryId
  readonly frame: Frame
  /** The thread in which it runs. */
  readonly thread: Thread
  /** Called when it has ended, or its thread has. */
  readonly onEnd?: (exit: WireExit) => void
  /** What it may ask of the kernel. @default as a process */
  readonly role?: Role | undefined
}

export class Tasks {
  readonly #processes: ProcessTable
  readonly #grants: OverlayGrants
  readonly #random = new Uint32Array(1024)
  #unused = 0
  /** Records that act in another thread on behalf of a lender, by lender. */
  readonly #lent = new Map<Pid, Set<{ readonly record: ProcessRecord; readonly thread: Thread }>>()

  constructor(options: { readonly processes: ProcessTable; readonly grants: OverlayGrants }) {
    this.#processes = options.processes
    this.#grants = options.grants
  }

  /** Registers a task that begins in that thread now. The thread may dial the overlay of the task's frame. */
  admit({ entry, frame, thread, onEnd, role }: TaskOrder): ProcessRecord {
    return this.add((id) => ({ pid: id, entry, frame, host: undefined, onExit: onEnd, role }), thread)
  }

  /** Registers the record of a task that begins in that thread now; `make` creates it from its id. */
  add<Record extends ProcessRecord>(make: (id: Pid) => Record, thread: Thread): Record {
    const record = make(this.#freePid(thread))
    this.#processes.add(record)
    thread.pids.add(record.pid)
    this.#grants.grantFrame(thread.number, record.frame)
    return record
  }

  /** Registers a record that acts for `lender` in another thread too, no longer than the lender itself may. */
  lend(lender: Pid, { onEnd, ...order }: TaskOrder): ProcessRecord {
    const all = this.#lent.get(lender) ?? new Set()
    const record = this.admit({
      ...order,
      onEnd: (exit) => {
        all.delete(lent)
        if (all.size === 0) this.#lent.delete(lender)
        onEnd?.(exit)
      },
    })
    const lent = { record, thread: order.thread }
    this.#lent.set(lender, all.add(lent))
    return record
  }

  /** Revokes a record: everything that runs on its behalf is asked to stop, in every thread. */
  cut(record: ProcessRecord, thread: Thread, reason: string): void {
    for (const lent of [...(this.#lent.get(record.pid) ?? [])]) this.cut(lent.record, lent.thread, reason)
    thread.post({ type: 'cancel', pid: record.pid, reason })
    this.end(record, thread)
  }

  /** Ends a task that never began, and that its thread therefore does not report. */
  end(record: ProcessRecord, thread: Thread): void {
    if (!thread.pids.delete(record.pid)) return
    this.#processes.remove(record.pid)
    record.onExit?.({ value: undefined })
  }

  #freePid(thread: Thread): Pid {
    for (;;) {
      const free = pid(thread.number, firstSerial + this.#draw(0x7fff) * 2 ** 32 + this.#draw(0xffffffff))
      if (this.#processes.get(free) === undefined) return free
    }
  }

  /**
   * Returns a random number of that many bits. Random bytes are drawn in advance, because drawing them per task costs
   * more than the rest of the task's bookkeeping.
   */
  #draw(bits: number): number {
    if (this.#unused === 0) {
      randomFillSync(this.#random)
      this.#unused = this.#random.length
    }
    this.#unused -= 1
    return ((this.#random[this.#unused] ?? 0) & bits) >>> 0
  }
}
