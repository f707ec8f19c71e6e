/** A worker thread starts here: the guard first, then the runtime, then whatever is to be warm before work comes. */
import { workerData } from 'node:worker_threads'
import { errorToWire } from '@troupe/core'
import { currentSlot } from '@troupe/core'
import { installGuard, provideNetworkAccess } from '@troupe/network'
import type { ThreadData } from '../protocol.ts'
import { setRuntime } from './current.ts'
import { LocalProcess } from './local-process.ts'
import { kernelNetworkAccess } from './network-access.ts'
import { Runtime } from './runtime.ts'

const data: ThreadData = workerData.troupe
// User code must not find the port by which this thread speaks to the kernel.
delete workerData.troupe

installGuard()
const runtime = new Runtime(data)
setRuntime(runtime)
provideNetworkAccess(kernelNetworkAccess(runtime))

/** Errors that nobody caught end the process that they belong to, or all in the thread when that cannot be told. */
function onStray(error: unknown): void {
  const owner = currentSlot()?.owner
  const concerned = owner instanceof LocalProcess ? [owner] : [...runtime.processes.values()]
  for (const process of concerned) runtime.finish(process, { error: errorToWire(error) })
}
process.on('uncaughtException', onStray)
process.on('unhandledRejection', onStray)

await Promise.all(data.preload.map((module) => import(module)))
runtime.kernel.tell({ type: 'ready' })
