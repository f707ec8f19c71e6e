/** Orders that stop their own caller, which cannot end in order while it waits for its own end. */
import { startTimer, type Timer } from '@troupe/core'
import type { KernelParts } from './kernel-parts.ts'
import type { ProcessRecord } from './process-table.ts'

/**
 * Milliseconds that a caller waits for what it has ordered to stop. The caller may be part of that in a way that the
 * kernel does not see: a service waits for the reply of a process, and that process gives the order.
 */
const patience = 5_000

/**
 * Waits for `work`, unless `by` acts for a process that `work` stops: then it returns at once. For other callers it
 * returns after a time at the latest. The rest of the work continues in the background.
 *
 * @param isOwn - Whether a process of that name is stopped.
 */
export async function waitUnlessOwn(
  { processes, runtime }: KernelParts,
  by: ProcessRecord,
  isOwn: (name: string) => boolean,
  work: (released: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const isPart = [...processes.ancestry(by)].some(({ pid }) => processes.namesOf(pid).some(isOwn))
  let timer: Timer | undefined
  try {
    await work(async () => {
      // The program around the application is never part of what is stopped.
      if (by.pid !== runtime.root.pid) timer = startTimer(resolve, isPart ? 0 : patience)
      await promise
    })
  } finally {
    timer?.[Symbol.dispose]()
  }
}
