/** The applications that run in this program. */
import { asTroupeError } from '@troupe/core'
import { currentRuntime, type Runtime } from '@troupe/process'
import type { Application } from './application.ts'

const running = new Map<Runtime, Application>()

/**
 * Returns the application in which the calling code acts: that of {@link Application.run}, or else that of the program,
 * if it has one.
 *
 * @example
 * ```ts
 * const services = runningApplication()?.services() ?? []
 * ```
 *
 * @throws TroupeError `Invalid` when several run in this program, and it is not known which one is meant.
 */
export function runningApplication(): Application | undefined {
  try {
    return running.get(currentRuntime())
  } catch (error) {
    if (asTroupeError(error).details['reason'] === 'several') throw error
    return undefined
  }
}

/** Notes an application that was started, until the returned function is called. */
export function noteApplication(application: Application): () => void {
  const { runtime } = application.kernel
  running.set(runtime, application)
  return () => {
    running.delete(runtime)
  }
}
