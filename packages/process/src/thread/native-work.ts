/** Native code that still works for a thread whose process has ended: to end the thread under it ends the whole program. */
import { createRequire } from 'node:module'
import { startTimer } from '@troupe/core'

/** Milliseconds that native work may go on after its process. */
const patience = 10_000

const { cache } = createRequire(import.meta.url)

/**
 * Settles when nothing keeps the loop of this thread running, or after a time. Nothing to wait for where no addon was loaded.
 *
 * @param release - Lets go of what the runtime itself keeps the loop running for.
 */
export function nativeWork(release: () => void): Promise<void> | undefined {
  if (!Object.keys(cache).some((file) => file.endsWith('.node'))) return undefined
  release()
  return new Promise((resolve) => {
    startTimer(resolve, patience).unref()
    process.once('beforeExit', () => {
      resolve()
    })
  })
}
