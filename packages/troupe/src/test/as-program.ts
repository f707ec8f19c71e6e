/** The test is the program around the application, also where several run. */
import { runInSlot } from '@troupe/core'
import type { Kernel } from '@troupe/process/kernel'

/** Runs `fn` as the program around the application of `kernel`. */
export function asProgram<T>({ runtime }: Kernel, fn: () => T): T {
  return runInSlot(runtime.root.slot(), fn)
}
