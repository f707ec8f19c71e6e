/** Calls of functions, as the kernel keeps them: whoever acts in a call acts in the frame that the kernel issued for it. */
import { randomFillSync } from 'node:crypto'
import { type EntryId, type Frame, type Pid, pid } from '@troupe/core'
import type { WireExit } from '../protocol/kernel-thread.ts'
import type { Role } from '../protocol/request-rules.ts'
import type { OverlayGrants } from './authorization/overlay-grants.ts'
import type { ProcessRecord, ProcessTable } from './process-table.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** Serials of calls begin here, beyond what processes ever reach. As many follow, too many to guess. */
const firstSerial = 2 ** 47

export interface CallOrder {
  readonly entry: EntryId
  readonly frame: Frame
  /** Where it runs. */
  readonly thread: Thread
  /** Who called: a call beneath another is one deeper. */
  readonly caller: ProcessRecord | undefined
  /** It has ended, or its thread has. */
  readonly onEnd?: (exit: WireExit) => void
}

export class CallRecord implements ProcessRecord {
  readonly pid: Pid
  readonly entry: EntryId
  readonly frame: Frame
  readonly host = undefined
  readonly onExit: ((exit: WireExit) => void) | undefined
  /** Calls above it, itself included. */
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
  /** Who acts for somebody in another thread, by whom they act for. */
  readonly #lent = new Map<Pid, Set<{ readonly record: ProcessRecord; readonly thread: Thread }>>()

  constructor(options: { readonly processes: ProcessTable; readonly grants: OverlayGrants }) {
    this.#processes = options.processes
    this.#grants = options.grants
  }

  /** A call that runs from now on in that thread, which may dial the overlay of its frame. */
  begin(order: CallOrder): CallRecord {
    const { thread, caller } = order
    return this.#add(new CallRecord(this.#freePid(thread), order, this.depthOf(caller) + 1), thread)
  }

  /** Somebody else acts in that thread from now on, beneath no call: a request that a server answers for an actor of its own, say. */
  admit({ entry, frame, thread, onEnd, role }: Omit<CallOrder, 'caller'> & { readonly role?: Role | undefined }): ProcessRecord {
    return this.#add({ pid: this.#freePid(thread), entry, frame, host: undefined, onExit: onEnd, role }, thread)
  }

  /** Somebody acts for `lender` in another thread too, no longer than that one may. */
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

  /** Somebody may not act any more: what runs as them is asked to stop, in every thread. */
  cut(record: ProcessRecord, thread: Thread, reason: string): void {
    for (const lent of [...(this.#lent.get(record.pid) ?? [])]) this.cut(lent.record, lent.thread, reason)
    thread.post({ type: 'cancel', pid: record.pid, reason })
    this.end(record, thread)
  }

  /** A call is over that its thread does not report, since it never began. */
  end(record: ProcessRecord, thread: Thread): void {
    if (!thread.pids.delete(record.pid)) return
    this.#processes.remove(record.pid)
    record.onExit?.({ value: undefined })
  }

  /** How deep in calls someone is: 0 for processes and programs. */
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

  /** A random number of those bits. Drawn ahead: to ask for each costs more than the rest of a call's books. */
  #draw(bits: number): number {
    if (this.#unused === 0) {
      randomFillSync(this.#random)
      this.#unused = this.#random.length
    }
    this.#unused -= 1
    return ((this.#random[this.#unused] ?? 0) & bits) >>> 0
  }
}
