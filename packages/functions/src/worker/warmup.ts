/** Runs a sample call in a separate runtime while the thread waits for work, as threads of hosts do with a process. */
import { emptyFrame, entryId, FrameEncoder, pid } from '@troupe/core'
import { Runtime } from '@troupe/process'
import type { ToThread } from '@troupe/process/protocol'
import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { CallSlots } from '../call-slots.ts'
import { runningCalls } from './running-calls.ts'

const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'
const program = {
  entry: entryId('troupe:warmup'),
  module: new URL(`./warmup-program${extension}`, import.meta.url).href,
  method: 'main',
}

/** Runs a sample call. It is not visible outside this thread. @param strict - `security.strict_mode` */
export async function rehearseCall(strict = false): Promise<void> {
  const { port1: port, port2: kernel } = new MessageChannel()
  const routeEpoch = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const runtime = new Runtime({ thread: 1, port, routeEpoch, strict, isWarmup: true })
  const slots = new CallSlots()
  slots.post(0, 1)
  runningCalls(runtime).serve({ program, slots: slots.memory })
  const calls: ToThread = { type: 'calls', calls: [[pid(1, 1), new FrameEncoder().encode(emptyFrame), 0, 1]] }
  kernel.postMessage(calls)
  await once(kernel, 'message')
  runtime.close()
  kernel.close()
}
