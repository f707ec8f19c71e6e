/**
 * The entry point of a worker thread: starts the guard, then the runtime, then warms up what is needed before work
 * arrives.
 */
import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { saveCompiledCode } from '@troupe/core/compile-cache'
import { hideEnvironment } from '@troupe/network'
import type { ThreadData } from '../protocol/thread-data.ts'
import { warmUp } from './warmup.ts'
import { guardThread, startThread } from './start.ts'

const notAlone = 'this module is the start of a thread of Troupe, and of nothing else'
const given: unknown = workerData
const isPrepared = typeof given === 'object' && given !== null && 'isPrepared' in given
const data = isPrepared ? await prepared() : dataIn(given)
// User code must not find the port by which this thread communicates with the kernel.
if (typeof given === 'object' && given !== null)
  for (const name of ['troupe', 'isPrepared', 'released', 'codeFolder']) Reflect.deleteProperty(given, name)

if (!isPrepared) await guardThread(data.sealed)
if (data.isEnvListed === true) hideEnvironment()
const runtime = startThread(data)

try {
  await Promise.all(data.preload.map((module) => import(module)))
  if (!isPrepared && runtime.processes.size === 0) {
    await warmUp(data)
    saveCompiledCode()
  }
  runtime.kernel.notify({ type: 'ready' })
} catch (error) {
  // A thread that fails to start ends with the reason, because no code here could handle the error.
  process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
  throw error
}

/** Loads what threads need, and waits until one is needed. Such a thread has no special options. */
async function prepared(): Promise<ThreadData> {
  if (parentPort === null) throw new Error(notAlone)
  await guardThread()
  await warmUp({ strict: false, routeEpoch: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) })
  saveCompiledCode()
  const passed: Promise<readonly unknown[]> = once(parentPort, 'message')
  parentPort.postMessage('loaded')
  const [message] = await passed
  return dataIn(message)
}

function dataIn(value: unknown): ThreadData {
  if (!isGiven(value)) throw new Error(notAlone)
  return value.troupe
}

function isGiven(value: unknown): value is { readonly troupe: ThreadData } {
  return typeof value === 'object' && value !== null && 'troupe' in value
}
