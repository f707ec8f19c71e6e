/** Turns a worker thread into a thread of the application: the guard first, then the runtime. */
import { parentPort } from 'node:worker_threads'
import { countIn, currentSlot, errorToWire } from '@troupe/core'
import {
  bindThreadNetwork,
  installGuard,
  provideNetworkAccess,
  sealProcess,
  sealThread,
  trustAddons,
} from '@troupe/network'
import { passNothingOpaque } from '../mailbox/payload.ts'
import type { StartData } from '../protocol/thread-data.ts'
import { lookLater, watchBuiltins } from './builtins.ts'
import { observeGc } from '../telemetry/garbage-collection.ts'
import { setTelemetry } from '../telemetry/telemetry.ts'
import { setRuntime } from './current.ts'
import { LocalTask } from './local-task.ts'
import { LocalProcess } from './process/local-process.ts'
import { redirectInput } from './standard-input.ts'
import { kernelNetworkAccess } from './network/network-access.ts'
import { watchAddons } from './native-work.ts'
import { redirectOutput } from './standard-output.ts'
import { currentParticipant } from './participant.ts'
import { Runtime } from './runtime.ts'
import { clearMemory } from './zeroed-memory.ts'

/** Installs the guard in a worker thread. Call it before any code of the application runs. */
export async function guardThread(sealed = false): Promise<void> {
  clearMemory()
  if (sealed) await sealThread()
  else installGuard()
}

/** The same in an operating-system process. @param writes - Whether it may write files. */
export function guardChild(writes: boolean): void {
  sealProcess(writes)
  passNothingOpaque()
}

/** Starts the runtime of this thread. Call it after {@link guardThread} or {@link guardChild}. */
export function startThread(data: StartData): Runtime {
  // The runtime no longer uses this port, and messages that application code posted there would be read in the kernel's
  // thread.
  parentPort?.close()
  watchBuiltins()
  trustAddons(data.native)
  if (data.network !== undefined) bindThreadNetwork(data.network)
  const runtime = new Runtime(data)
  setRuntime(runtime)
  if (data.counters !== undefined) countIn(data.counters)
  if (data.addons !== undefined) watchAddons(data.addons)
  setTelemetry(data.telemetry)
  if (data.gc === true) observeGc()
  provideNetworkAccess(kernelNetworkAccess(runtime, data.sealed))
  const { streams } = data
  if (streams !== undefined) {
    redirectOutput(streams, (output) => {
      runtime.kernel.notify(output)
    })
    if (!data.sealed)
      redirectInput(streams.terminal, async () => runtime.kernel.request('input', {}, currentParticipant().pid))
  }
  const onStray = (error: unknown) => {
    strayed(runtime, error)
  }
  process.on('uncaughtException', onStray)
  process.on('unhandledRejection', onStray)
  return runtime
}

/**
 * An uncaught error ends the process or task to which it belongs, or everything in the thread when that is unknown.
 */
function strayed(runtime: Runtime, error: unknown): void {
  lookLater()
  const owner = currentSlot()?.owner
  if (owner instanceof LocalTask) {
    if (owner.ended) runtime.kernel.failed(owner.pid, owner.entry, errorToWire(error), true)
    owner.fail(error)
    return
  }
  if (owner instanceof LocalProcess && owner.ended) {
    runtime.kernel.failed(owner.pid, owner.program.entry, errorToWire(error), true)
    return
  }
  const isOfTasks = runtime.tasks.areRunning
  runtime.tasks.fail(error)
  const concerned = owner instanceof LocalProcess ? [owner] : [...runtime.processes.values()]
  for (const process of concerned) runtime.finish(process, { error: errorToWire(error) })
  if (concerned.length === 0 && !isOfTasks) runtime.kernel.failed(runtime.root.pid, undefined, errorToWire(error), true)
}
