/**
 * Entry module of a pool's thread. The guard is loaded first; the runtime is loaded with the port to the kernel, when
 * there is work.
 */
import { workerData } from 'node:worker_threads'
import { guardThread, rehearseCall, startThread } from '@troupe/process'
import type { Task } from './task.ts'

await guardThread()
await Promise.all(
  preloadOf(workerData).map(async (module) => {
    await import(module)
  }),
)
await rehearseCall()

/** @see WorkerSettings */
function preloadOf(settings: unknown): readonly string[] {
  const preload = typeof settings === 'object' && settings !== null && 'preload' in settings ? settings.preload : []
  return Array.isArray(preload) ? preload.filter((module) => typeof module === 'string') : []
}

/** Works for a pool for the rest of the thread's life: calls come through the wire to the kernel. */
export default async function work({ thread, service }: Task): Promise<never> {
  const { calls, kernel } = startThread(thread)
  calls.serve(service, (pid, exit) => {
    kernel.notify({ type: 'finished', pid, exit })
  })
  return Promise.withResolvers<never>().promise
}
