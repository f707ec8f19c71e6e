/** What runs processes: threads of some arrangement. */
import type { MessagePort } from 'node:worker_threads'
import type { EntryId, Pid, TroupeError } from '@troupe/core'
import type { StartProcess } from '../protocol/kernel-thread.ts'
import type { Network } from '../kernel/network/networks.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** A place for one more process, held until it is used or given back. */
export interface HostSlot {
  readonly pid: Pid
  readonly thread: Thread
  /** Starts the process. @param transfer - Ports among its arguments that move to it. */
  start(process: Omit<StartProcess, 'pid' | 'queueSize'>, transfer?: readonly MessagePort[]): void
  /** Gives the place back unused. */
  abandon(): void
}

export interface Host extends AsyncDisposable {
  readonly id: EntryId
  /** Its threads have no network of their own. */
  readonly sealed: boolean
  /** Its processes are operating-system processes. @default false */
  readonly isolated?: boolean
  /** Whether a thread is one of its own. */
  owns(thread: number): boolean
  /** Processes that run in it. */
  readonly size: number
  /** Settles when its first threads are warm. */
  ready(): Promise<void>
  /**
   * A place for a process, in a thread of that network.
   *
   * @throws TroupeError `Unavailable` when the host is full or stops; `Invalid` for a network that it cannot run.
   */
  place(network: Network): HostSlot
  /** Ends a process at once. Settles when it is gone. */
  kill(pid: Pid, error: TroupeError): Promise<void>
  /** Takes no more processes; those in it go on. */
  retire(): Promise<void>
  /** A process in it ended by itself. */
  processEnded(pid: Pid): void
  /** Threads of networks that are not current any more get no more processes. */
  retireNetworks(isCurrent: (network: Network) => boolean): void
  /** A thread is gone; it need not be one of this host's. */
  threadGone(thread: Thread): void
}
