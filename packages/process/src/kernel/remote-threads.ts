/** Threads of other nodes, for a package above this one that connects nodes. A place is `web~3f|8`. */
import type { Pid } from '@troupe/core'
import type { Thread } from '../worker-threads/thread.ts'

export interface RemoteThreads {
  /** Introduces a thread here to one of another node, or reports to it that this is not possible. */
  reach(thread: Thread, place: string): void
  /** A thread here received what breaks the protocol. It reads nothing more from there. */
  breach(thread: Thread, place: string, why: string): void
  /** Whether that node may perform `action` on a process here. */
  may(place: string, action: string, target: Pid): Promise<boolean>
}
