/** A thread of a shared host, as the host keeps account of it. */
import type { WorkerThread } from '../worker-threads/worker-thread.ts'

export interface SharedWorker {
  readonly thread: WorkerThread
  /** Index of the thread in the shared process counts. */
  readonly slot: number
  /**
   * Serial of the next process that the kernel places there. The kernel uses even serials; the thread itself uses odd
   * ones.
   */
  next: number
  /** Whether it has started. Until then it is busy with its start. */
  isReady: boolean
  /** 0 unless it is busy; otherwise the number of checks since its event loop last responded, at least 1. */
  busy: number
}
