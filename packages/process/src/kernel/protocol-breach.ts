/** Ends a thread that broke the protocol, and nothing else. */
import { type LogNote, TroupeError } from '@troupe/core'
import type { ProcessTable } from './process-table.ts'
import type { Thread } from '../worker-threads/thread.ts'

export interface BreachOptions {
  readonly processes: ProcessTable
  /** Writes a line to the application's log. */
  readonly note: (line: string, about: LogNote) => void
}

export function endForBreach({ processes, note }: BreachOptions, thread: Thread, why: string): void {
  const [pid] = thread.pids
  const entry = pid && processes.get(pid)?.entry
  note(`thread ${thread.number} broke the protocol and is ended: ${why}`, {
    level: 'error',
    entry,
    ...(pid && { pid }),
  })
  thread.end(
    new TroupeError('PermissionDenied', `its thread was ended: ${why}`, { details: { thread: thread.number } }),
  )
}
