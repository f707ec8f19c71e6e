/**
 * The entry point of an operating-system process (`isolation: process`). The operating system isolates its code. The
 * guard lets the kernel open the connections of its libraries.
 */
import { errorToWire } from '@troupe/core'
import type { ChildData } from '../../pipe/messages.ts'
import { routesChanged, routeEpoch } from '../../shared-memory/route-epoch.ts'
import { warmUp } from '../warmup.ts'
import { guardChild, startThread } from '../start.ts'
import { PassedHandles } from './passed-handles.ts'
import { KernelPipe } from './kernel-pipe.ts'
import { serviceModule } from './service-module.ts'

// Created before the guard, which refuses descriptors that it did not open.
void process.stdout
void process.stderr
const pipe = new KernelPipe()
const handles = new PassedHandles()
const data = await pipe.first()
if (!isChildData(data)) throw new Error('this module is the start of a process of Troupe, and of nothing else')

try {
  guardChild(data.writes)
  const runtime = startThread({ ...data, port: pipe, routeEpoch, sealed: true, native: [] })
  const { service } = data
  const module = service && (await serviceModule(service.module))
  module?.serve(runtime, service?.data)
  pipe.open((message) => {
    if ('type' in message && message.type === 'overlayMoved') routesChanged()
    return handles.complete(message, (completed) => pipe.emit('message', completed))
  })
  await Promise.all(data.preload.map((module) => import(module)))
  // Where no package of that name is found, the modules of the application do not import it either.
  if (runtime.processes.size === 0) await import(data.sample).catch(() => undefined)
  if (module !== undefined) await module.warmUp(data.strict)
  else if (runtime.processes.size === 0) await warmUp({ ...data, routeEpoch })
  runtime.kernel.notify({ type: 'ready' })
} catch (error) {
  pipe.postMessage({ type: 'broken', error: errorToWire(error) })
  process.exit(1)
}

function isChildData(value: unknown): value is ChildData {
  return typeof value === 'object' && value !== null && 'thread' in value && 'preload' in value
}
