/** The interface of hosts. A host runs processes in threads or operating-system processes. */
import type { MessagePort } from 'node:worker_threads'
import type { EntryId, Pid, TroupeError } from '@troupe/core'
import type { StartProcess } from '../protocol/kernel-thread.ts'
import type { Protection } from './process/protection.ts'
import type { Network } from '../kernel/network/networks.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** A place for one more process, held until it is used or released. */
export interface HostSlot {
  readonly pid: Pid
  readonly thread: Thread
  /** Starts the process. @param transfer - Ports among its arguments that move to it. */
  start(process: Omit<StartProcess, 'pid' | 'queueSize'>, transfer?: readonly MessagePort[]): void
  /** Releases the place unused. */
  abandon(): void
}

/** A running host. */
export interface Host extends AsyncDisposable {
  readonly id: EntryId
  /** Its threads have no network access of their own. */
  readonly sealed: boolean
  /** Its processes are operating-system processes. @default false */
  readonly isolated?: boolean
  /** What holds its operating-system processes; `undefined` before the first of them. */
  readonly protection?: Protection | undefined
  /** Whether a thread belongs to this host. */
  owns(thread: number): boolean
  /** Number of processes that run in it. */
  readonly size: number
  /** Settles when its first threads are warm. */
  ready(): Promise<void>
  /**
   * Reserves a place for a process, in a thread of that network.
   *
   * @throws TroupeError `Unavailable` when the host is full or stops; `Invalid` for a network that it cannot run.
   */
  place(network: Network): HostSlot
  /** Ends a process at once. Settles when it has ended. */
  kill(pid: Pid, error: TroupeError): Promise<void>
  /** Accepts no more processes; those in it continue. */
  retire(): Promise<void>
  /** A process in it ended by itself. */
  processEnded(pid: Pid): void
  /** Threads of networks that are no longer current get no more processes. */
  retireNetworks(isCurrent: (network: Network) => boolean): void
  /** A thread has ended. It may belong to another host. */
  threadGone(thread: Thread): void
}
