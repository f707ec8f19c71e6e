/** What the kernel hands to a thread of a pool. */
import type { Pid } from '@troupe/core'
import type { StartCall, ThreadData } from '@troupe/process'

/** One call. The pid is known once a thread was chosen. */
export interface Task extends Omit<StartCall, 'pid'> {
  pid: Pid | undefined
  readonly args: readonly unknown[]
  /** What the thread's runtime is made from: comes with the first call, before any code of the application. */
  thread: ThreadData | undefined
}

/** What threads of a pool are started with. */
export interface WorkerSettings {
  /** Modules to import before there is work. */
  readonly preload: readonly string[]
}
