/** What the kernel does when a process, a task or a thread has ended. */
import { errorToWire, type Pid, type TroupeError } from '@troupe/core'
import type { WireExit } from '../protocol/programs.ts'
import type { Thread } from '../worker-threads/thread.ts'
import type { KernelParts } from './kernel-parts.ts'

type ProcessParts = Pick<KernelParts, 'deliveries' | 'failures' | 'privileges' | 'processes' | 'senders'>
type ThreadParts = ProcessParts &
  Pick<KernelParts, 'addresses' | 'dials' | 'discovery' | 'drains' | 'endedThreads' | 'grants' | 'hosts' | 'inspector'>

/** A process or a task of a thread has ended. What does not live in that thread is ignored. */
export function processEnded(
  { deliveries, failures, privileges, processes, senders }: ProcessParts,
  thread: Thread,
  pid: Pid,
  exit: WireExit,
): void {
  if (!thread.pids.delete(pid)) return
  const record = processes.remove(pid)
  if (record !== undefined) senders.ended(record)
  if (record !== undefined && 'error' in exit) failures.ended(record, exit.error, thread)
  privileges.ended(pid)
  deliveries.processEnded(pid)
  record?.host?.processEnded(pid)
  record?.onExit?.(exit)
}

/** A thread has ended, and with it everything that still ran in it. */
export function threadEnded(kernel: ThreadParts, thread: Thread, error: TroupeError): void {
  const { number } = thread
  kernel.endedThreads.add(thread)
  kernel.inspector.threadGone(thread)
  kernel.grants.threadGone(number)
  kernel.drains.threadGone(number)
  kernel.dials.threadGone(number)
  kernel.addresses.release(number)
  kernel.discovery.threadGone(thread)
  kernel.privileges.threadGone(number)
  kernel.hosts.threadGone(thread)
  for (const pid of [...thread.pids]) processEnded(kernel, thread, pid, { error: errorToWire(error) })
}
