/** The calls of a sealed pool, in an operating-system process. The process loads this before code of the application. */
import type { Program, Runtime } from '@troupe/process'
import { runningCalls } from './running-calls.ts'

export { rehearseCall as warmUp } from './warmup.ts'

/** Runs the calls of a function that the kernel posts. The kernel cannot take them back: it posts one at a time. */
export function serve(runtime: Runtime, program: Program): void {
  runningCalls(runtime).serve({ program })
}
