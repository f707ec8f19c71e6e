/**
 * The time that a module takes to load. Without a limit, a module whose top-level `await` does not settle would wait
 * forever without an error.
 */
import { performance } from 'node:perf_hooks'
import { startTimer, type Timer, TroupeError } from '@troupe/core'
import type { Program } from '../protocol/programs.ts'
import { topLevelAwaits } from './top-level-await.ts'

/**
 * Milliseconds after which slow modules of processes that are not services are reported. They may continue to load.
 */
const patience = 10_000
/** Event loop utilisation below which a thread counts as waiting. */
const idleBelow = 0.5

/**
 * Waits for `loading`.
 *
 * @param onSlow - Called with a report when it takes long.
 * @throws TroupeError `Timeout` when it takes longer than the program allows.
 */
export async function loadInTime<T>(
  program: Program,
  loading: Promise<T>,
  onSlow: (message: string) => void,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const limit = program.loadTimeout ?? patience
  let before = performance.eventLoopUtilization()
  let timer: Timer | undefined
  const wait = () => {
    timer = startTimer(look, limit).unref()
  }
  const look = () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    // The thread is working, usually compiling.
    if (utilization > idleBelow) {
      wait()
      return
    }
    const message = wordsFor(program, limit)
    if (program.loadTimeout === undefined) onSlow(message)
    else reject(new TroupeError('Timeout', message, { details: { entry: program.entry } }))
  }
  wait()
  try {
    return await Promise.race([loading, late])
  } finally {
    timer?.[Symbol.dispose]()
  }
}

function wordsFor({ entry, module }: Program, limit: number): string {
  const places = topLevelAwaits(module)
  const why = places.length === 0 ? module : `a top-level await has not settled: ${places.slice(0, 3).join(', ')}`
  return `${entry}: its module has not loaded in ${limit} ms: ${why}`
}
