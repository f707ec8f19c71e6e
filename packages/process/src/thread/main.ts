/** A worker thread starts here: the guard first, then the runtime, then whatever is to be warm before work comes. */
import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../protocol.ts'
import { rehearse } from './rehearsal.ts'
import { guardThread, startThread } from './start.ts'

const data: ThreadData = workerData.troupe
// User code must not find the port by which this thread speaks to the kernel.
delete workerData.troupe

guardThread()
const runtime = startThread(data)

try {
  await Promise.all(data.preload.map((module) => import(module)))
  if (runtime.processes.size === 0) await rehearse(data)
  runtime.kernel.tell({ type: 'ready' })
} catch (error) {
  // A thread that cannot get ready ends, with the reason: nobody here could take the error.
  process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
  throw error
}
