/**
 * Calls of functions, as the kernel records them. Code in a call acts in the frame that the kernel issued for the call.
 */
import { randomFillSync } from 'node:crypto'
import { type EntryId, type Frame, type Pid, pid } from '@troupe/core'
import type { WireExit } from '../protocol/programs.ts'
import type { Role } from '../protocol/request-rules.ts'
import type { OverlayGrants } from './authorization/overlay-grants.ts'
import type { ProcessRecord, ProcessTable } from './process-table.ts'
import type { Thread } from '../worker-threads/thread.ts'

/**
 * First serial of calls, beyond the serials that processes ever reach. The range has the same number of serials, too
 * many to guess.
 */
const firstSerial = 2 ** 47

export interface CallOrder {
  readonly entry: EntryId
  readonly frame: Frame
  /** The thread in which it runs. */
  readonly thread: Thread
  /** The caller. A nested call is one level deeper. */
  readonly caller: ProcessRecord | undefined
  /** Called when it has ended, or its thread has. */
  readonly onEnd?: (exit: WireExit) => void
}

/** The kernel's record of a call. */
export class CallRecord implements ProcessRecord {
  readonly pid: Pid
  readonly entry: EntryId
  readonly frame: Frame
  readonly host = undefined
  readonly onExit: ((exit: WireExit) => void) | undefined
  /** Depth of nested calls, including this one. */
  readonly depth: number
  readonly by: Pid | undefined
  readonly role = 'call'

  constructor(id: Pid, { entry, frame, caller, onEnd }: CallOrder, depth: number) {
    this.pid = id
    this.entry = entry
    this.frame = frame
    this.onExit = onEnd
    this.depth = depth
    this.by = caller?.pid
  }
}

export class Calls {
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

  /** Registers a call that now runs in that thread. The thread may dial the overlay of the call's frame. */
  begin(order: CallOrder): CallRecord {
    const { thread, caller } = order
    return this.#add(new CallRecord(this.#freePid(thread), order, this.depthOf(caller) + 1), thread)
  }

  /**
   * Registers a record that acts in that thread and belongs to no call, for instance for a request that a server
   * handles on behalf of its own actor.
   */
  admit({ entry, frame, thread, onEnd, role }: Omit<CallOrder, 'caller'> & { readonly role?: Role | undefined }): ProcessRecord {
    return this.#add({ pid: this.#freePid(thread), entry, frame, host: undefined, onExit: onEnd, role }, thread)
  }

  /** Registers a record that acts for `lender` in another thread too, no longer than the lender itself may. */
  lend(lender: Pid, { onEnd, ...order }: Parameters<Calls['admit']>[0]): ProcessRecord {
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

  /** Ends a call that never began, and that its thread therefore does not report. */
  end(record: ProcessRecord, thread: Thread): void {
    if (!thread.pids.delete(record.pid)) return
    this.#processes.remove(record.pid)
    record.onExit?.({ value: undefined })
  }

  /** The depth of nested calls of a record: 0 for processes and programs. */
  depthOf(record: ProcessRecord | undefined): number {
    return record instanceof CallRecord ? record.depth : 0
  }

  #add<Record extends ProcessRecord>(record: Record, thread: Thread): Record {
    this.#processes.add(record)
    thread.pids.add(record.pid)
    this.#grants.grantFrame(thread.number, record.frame)
    return record
  }

  #freePid(thread: Thread): Pid {
    for (;;) {
      const free = pid(thread.number, firstSerial + this.#draw(0x7fff) * 2 ** 32 + this.#draw(0xffffffff))
      if (this.#processes.get(free) === undefined) return free
    }
  }

  /**
   * Returns a random number of that many bits. Random bytes are drawn in advance, because drawing them per call costs
   * more than the rest of the call's bookkeeping.
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
