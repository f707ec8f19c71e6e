/** What the kernel and the link pass to each other about the jobs of a cluster. */
import type { WireError } from '@troupe/core'
import type { QueueDriver } from './driver/driver.ts'

/** What the link does with jobs: the methods of a driver that settle. */
export type JobCalls = Omit<QueueDriver, 'onReady' | typeof Symbol.asyncDispose>

/** A call of one of these methods. */
export type JobCall = {
  [Name in keyof JobCalls]: { readonly name: Name; readonly args: Parameters<JobCalls[Name]> }
}[keyof JobCalls]

/** A call by the kernel. */
export type JobCommand = JobCall & { readonly number: number }

/** What became of a command. */
export interface JobOutcome {
  readonly number: number
  readonly value?: unknown
  readonly error?: WireError
}

export interface LinkRequests {
  /** Returns commands, as soon as there are some. */
  jobCommands: { ask: Record<string, never>; answer: readonly JobCommand[] }
  /** `ready`: queues of which jobs may be ready. */
  jobOutcomes: { ask: { readonly outcomes: readonly JobOutcome[]; readonly ready: readonly string[] }; answer: void }
}
