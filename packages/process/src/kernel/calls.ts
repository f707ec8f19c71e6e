/** Calls of functions, as the kernel keeps them: whoever acts in a call acts in the frame that the kernel issued for it. */
import { randomInt } from 'node:crypto'
import { type EntryId, type Frame, type Pid, pid } from '@troupe/core'
import type { Grants } from './grants.ts'
import type { ProcessRecord, ProcessTable } from './process-table.ts'
import type { Thread } from './thread.ts'

/** Serials of calls are drawn from here: beyond what processes ever reach, and too many to guess (`randomInt` goes up to 2^48). */
const firstSerial = 2 ** 40
const lastSerial = 2 ** 47

export interface CallOrder {
  readonly entry: EntryId
  readonly frame: Frame
  /** Where it runs. */
  readonly thread: Thread
  /** Who called: a call beneath another is one deeper. */
  readonly caller: ProcessRecord | undefined
  /** It has ended, or its thread has. */
  readonly onEnd?: () => void
}

export interface CallRecord extends ProcessRecord {
  /** Calls above it, itself included. */
  readonly depth: number
}

export class Calls {
  readonly #processes: ProcessTable
  readonly #grants: Grants
  readonly #records = new WeakMap<ProcessRecord, CallRecord>()

  constructor(options: { readonly processes: ProcessTable; readonly grants: Grants }) {
    this.#processes = options.processes
    this.#grants = options.grants
  }

  /** A call that runs from now on in that thread, which may dial the overlay of its frame. */
  begin({ entry, frame, thread, caller, onEnd }: CallOrder): CallRecord {
    const depth = this.depthOf(caller) + 1
    const record: CallRecord = { pid: this.#freePid(thread), entry, frame, host: undefined, onExit: onEnd, depth }
    this.#records.set(record, record)
    return this.#add(record, thread)
  }

  /** Somebody else acts in that thread from now on, beneath no call: a request that a server answers for an actor of its own, say. */
  admit({ entry, frame, thread, onEnd }: Omit<CallOrder, 'caller'>): ProcessRecord {
    return this.#add({ pid: this.#freePid(thread), entry, frame, host: undefined, onExit: onEnd }, thread)
  }

  /** A call of a pool has ended, or somebody may not act any more; one that a thread runs by itself is reported like a process. */
  end(record: ProcessRecord, thread: Thread): void {
    if (!thread.pids.delete(record.pid)) return
    this.#processes.remove(record.pid)
    record.onExit?.({ value: undefined })
  }

  /** How deep in calls someone is: 0 for processes and programs. */
  depthOf(record: ProcessRecord | undefined): number {
    return record === undefined ? 0 : (this.#records.get(record)?.depth ?? 0)
  }

  #add<Record extends ProcessRecord>(record: Record, thread: Thread): Record {
    this.#processes.add(record)
    thread.pids.add(record.pid)
    this.#grants.grantFrame(thread.number, record.frame)
    return record
  }

  #freePid(thread: Thread): Pid {
    for (;;) {
      const free = pid(thread.number, randomInt(firstSerial, lastSerial))
      if (this.#processes.get(free) === undefined) return free
    }
  }
}
