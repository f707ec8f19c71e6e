/** Makes a worker thread one of the application: the guard first, then the runtime. */
import { currentSlot, errorToWire } from '@troupe/core'
import { installGuard, provideNetworkAccess, sealThread, trustAddons } from '@troupe/network'
import type { ThreadData } from '../protocol.ts'
import { setRuntime } from './current.ts'
import { LocalCall } from './local-call.ts'
import { LocalProcess } from './local-process.ts'
import { redirectInput } from './input.ts'
import { kernelNetworkAccess } from './network-access.ts'
import { redirectOutput } from './output.ts'
import { currentParticipant } from './participant.ts'
import { Runtime } from './runtime.ts'

/** Before any code of the application's own. */
export async function guardThread(sealed = false): Promise<void> {
  if (sealed) await sealThread()
  else installGuard()
}

export function startThread(data: ThreadData): Runtime {
  trustAddons(data.native)
  const runtime = new Runtime(data)
  setRuntime(runtime)
  provideNetworkAccess(kernelNetworkAccess(runtime, data.sealed))
  redirectOutput(data.streams, (output) => {
    runtime.kernel.tell(output)
  })
  if (!data.sealed) redirectInput(data.streams.terminal, async () => runtime.kernel.request('input', {}, currentParticipant().pid))
  const onStray = (error: unknown) => {
    strayed(runtime, error)
  }
  process.on('uncaughtException', onStray)
  process.on('unhandledRejection', onStray)
  return runtime
}

/** Errors that nobody caught end the process or call that they belong to, or all in the thread when that cannot be told. */
function strayed(runtime: Runtime, error: unknown): void {
  const owner = currentSlot()?.owner
  if (owner instanceof LocalCall) {
    // The call is over: all that is left to do for its leftovers is to show what became of them.
    if (owner.ended) process.emitWarning(error instanceof Error ? error : String(error))
    owner.fail(error)
    return
  }
  runtime.calls.fail(error)
  const concerned = owner instanceof LocalProcess ? [owner] : [...runtime.processes.values()]
  for (const process of concerned) runtime.finish(process, { error: errorToWire(error) })
}
