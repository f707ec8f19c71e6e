/**
 * Determines when a thread that is to be ended has nothing left to do: work that was started there and continues
 * without a caller is not cut at once.
 */
import { startTimer } from '@troupe/core'
import type { KernelClient } from './kernel-client.ts'

/** Milliseconds between two checks, at first and at most. */
const shortest = 1
const longest = 100

/**
 * Resources of the runtime itself: ports to the kernel, to piscina, to other threads. None of them is work of the
 * application.
 */
const ours: ReadonlySet<string> = new Set(['MessagePort'])

/** Notifies the kernel when this thread has nothing left to do. */
export async function drain(kernel: KernelClient): Promise<void> {
  await whenDry()
  kernel.notify({ type: 'dry' })
}

/** Settles when only the runtime's own ports would keep the event loop of this thread running. */
async function whenDry(): Promise<void> {
  for (
    let wait = shortest;
    process.getActiveResourcesInfo().some((resource) => !ours.has(resource));
    wait = Math.min(longest, wait * 2)
  ) {
    await pause(wait)
  }
}

/** Waits without keeping the thread alive. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    startTimer(resolve, ms).unref()
  })
}
