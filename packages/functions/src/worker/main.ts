/**
 * Entry module of a pool's thread. The guard is loaded first; the runtime is loaded with the port to the kernel, when
 * there is work.
 */
import { workerData } from 'node:worker_threads'
import { saveCompiledCode } from '@troupe/core/compile-cache'
import { guardThread, startThread } from '@troupe/process'
import { runningCalls } from './running-calls.ts'
import type { Task } from './task.ts'
import { rehearseCall } from './warmup.ts'

await guardThread()
await Promise.all(
  preloadOf(workerData).map(async (module) => {
    await import(module)
  }),
)
await rehearseCall()
saveCompiledCode()

/** @see WorkerSettings */
function preloadOf(settings: unknown): readonly string[] {
  const preload = typeof settings === 'object' && settings !== null && 'preload' in settings ? settings.preload : []
  return Array.isArray(preload) ? preload.filter((module) => typeof module === 'string') : []
}

/** Works for a pool for the rest of the thread's life: calls come through the wire to the kernel. */
export default async function work({ thread, service }: Task): Promise<never> {
  runningCalls(startThread(thread)).serve(service)
  return Promise.withResolvers<never>().promise
}
