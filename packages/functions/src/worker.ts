/** A thread of a pool starts here. The guard comes first; the runtime with the first call, which brings the port to the kernel. */
import { workerData } from 'node:worker_threads'
import { emptyFrame, fork, invalid } from '@troupe/core'
import { guardThread, startThread, type WireExit } from '@troupe/process'
import type { Task } from './task.ts'

guardThread()
await Promise.all(
  preloadOf(workerData).map(async (module) => {
    await import(module)
  }),
)

let runtime: ReturnType<typeof startThread> | undefined

/** @see WorkerSettings */
function preloadOf(settings: unknown): readonly string[] {
  const preload = typeof settings === 'object' && settings !== null && 'preload' in settings ? settings.preload : []
  return Array.isArray(preload) ? preload.filter((module) => typeof module === 'string') : []
}

/** Runs one call to its end. Errors are part of the answer, so that they cross threads whole. */
export default async function run({ pid, program, frame, args, thread }: Task): Promise<WireExit> {
  if (thread !== undefined) runtime = startThread(thread)
  if (runtime === undefined || pid === undefined) throw invalid('this thread of a pool was given no port to the kernel')
  return runtime.calls.run({ pid, program, frame: fork(emptyFrame, frame) }, args)
}
