/** What the workers of a pool run in: worker threads, or operating-system processes. */
import type { TroupeError } from '@troupe/core'
import type { Network, Thread } from '@troupe/process/kernel'
import type { CallSlots } from '../call-slots.ts'

/** A thread or process of a pool. */
export interface WorkerPlace {
  readonly thread: Thread
  /** Records which of the posted calls the thread has begun. */
  readonly slots: Pick<CallSlots, 'post' | 'withdraw' | 'isWaiting'>
  /** Maximum number of calls that it is given at a time. */
  readonly maxWindow: number
  /** Whether a thread or process was found for it. */
  readonly taken: boolean
  /** Finds or starts the thread or process. Settles with the reason when it has ended. */
  occupy(): Promise<TroupeError>
  /** Ends it, whatever it is doing. @param isIdle - No call runs in it. */
  end(isIdle: boolean): void
}

/** Starts, keeps and ends the threads or processes of a pool. */
export interface WorkerSource extends AsyncDisposable {
  /** Number of threads or processes that run or start. */
  readonly count: number
  /** @param onGone - Called when the thread sends nothing more, unless its end is reported at the same time. */
  open(network: Network, onGone: () => void): WorkerPlace
}
