/**
 * The entry point of a worker thread: starts the guard, then the runtime, then warms up what is needed before work
 * arrives.
 */
import { workerData } from 'node:worker_threads'
import { hideEnvironment } from '@troupe/network'
import type { ThreadData } from '../protocol/thread-data.ts'
import { warmUp } from './warmup.ts'
import { guardThread, startThread } from './start.ts'

const given: unknown = workerData
if (!isGiven(given)) throw new Error('this module is the start of a thread of Troupe, and of nothing else')
const data = given.troupe
// User code must not find the port by which this thread communicates with the kernel.
Reflect.deleteProperty(given, 'troupe')

await guardThread(data.sealed)
if (data.isEnvListed === true) hideEnvironment()
const runtime = startThread(data)

try {
  await Promise.all(data.preload.map((module) => import(module)))
  if (runtime.processes.size === 0) await warmUp(data)
  runtime.kernel.notify({ type: 'ready' })
} catch (error) {
  // A thread that fails to start ends with the reason, because no code here could handle the error.
  process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
  throw error
}

function isGiven(value: unknown): value is { readonly troupe: ThreadData } {
  return typeof value === 'object' && value !== null && 'troupe' in value
}
