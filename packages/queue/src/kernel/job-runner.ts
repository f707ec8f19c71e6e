/** How a consumer runs one job: as a call of a function, or in a process. */
import type { EntryId, OverlayChoice } from '@troupe/core'
import { functionKind, type Functions } from '@troupe/functions/kernel'
import { unpack } from '@troupe/process'
import { type Kernel, startProcess } from '@troupe/process/kernel'
import { consumerKind } from '../kinds.ts'
import type { Job } from '../queues.ts'
import type { JobPlace } from './job-body.ts'

export interface JobRunner {
  /** The network that the consumer or its program chooses instead of that of the job. */
  readonly pin: OverlayChoice
  /** Runs a job. Returns its result, or throws why it failed. */
  run(payload: unknown, job: Job, place: JobPlace, options: RunOptions): Promise<unknown>
}

export interface RunOptions {
  /** Ends it. */
  readonly signal: AbortSignal
  /** Gets a function that returns whether the code of the job has begun to run. */
  readonly onGiven: (hasBegun: () => boolean) => void
}

/** The way in which a consumer runs jobs. */
export function runnerOf(kernel: Kernel, functions: Functions, consumer: EntryId): JobRunner {
  const { fields, meta } = kernel.registry.decode(consumer, consumerKind)
  const { func, process, host, lifecycle } = fields
  const own = meta.options?.network
  if (func !== undefined)
    return {
      pin: own === undefined ? kernel.registry.decode(func, functionKind).meta.options?.network : own,
      run: async (payload, job, place, options) =>
        unpack(await functions.call({ entry: func, args: [payload, job], ...place, ...options })),
    }
  // The check of the entry allows nothing else.
  if (process === undefined || host === undefined) throw new Error(`${consumer} has neither func nor process`)
  return {
    pin: own === undefined ? kernel.program(process).pin : own,
    run: async (payload, job, place, { signal }) => {
      const about = { entry: process, host, args: [payload, job], ...place }
      const running = startProcess(kernel, { ...about, loadTimeout: lifecycle.startTimeout })
      const onAbort = () => {
        void running.stop(AbortSignal.abort()).catch(() => undefined)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      const exit = await running.ended
      signal.removeEventListener('abort', onAbort)
      if ('error' in exit) throw exit.error
      return unpack(exit.value)
    },
  }
}
