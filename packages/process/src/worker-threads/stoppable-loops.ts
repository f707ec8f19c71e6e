/** Makes all loops of threads stoppable. */
import { saveCompiledCode } from '@troupe/core/compile-cache'
import { setFlagsFromString } from 'node:v8'

let isDone = false

/**
 * V8 unrolls some endless loops so that nothing can stop them (`docs/discoveries/0003-unkillable-loops.md`). Call this
 * before code of the application runs in a thread, and no earlier: from then on V8 rejects the compiled code of Node's
 * own modules, and each is compiled again once (`docs/discoveries/0079-flags-reject-compiled-code.md`).
 */
export function makeLoopsStoppable(): void {
  if (isDone) return
  isDone = true
  saveCompiledCode()
  setFlagsFromString('--no-turboshaft-loop-unrolling')
}
