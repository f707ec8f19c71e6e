/** Runs the program of a process. */
import { errorToWire, runInSlot } from '@troupe/core'
import { snapshot, unpackArguments } from '../mailbox/payload.ts'
import type { WireExit } from '../protocol.ts'
import type { LocalProcess } from './local-process.ts'
import { loadedMethod, loadMethod } from './module.ts'

/** Runs a process's method in its frame, and tells how it ended: unless the process runs another program by then. */
export function run(process: LocalProcess, args: readonly unknown[], onEnd: (exit: WireExit) => void): void {
  const { epoch } = process
  const end = (exit: WireExit) => {
    if (process.epoch === epoch) onEnd(exit)
  }
  const returned = (value: unknown) => {
    end(exitOf(value))
  }
  const threw = (error: unknown) => {
    end({ error: errorToWire(error) })
  }
  const method = loadedMethod(process.program)
  try {
    const own = unpackArguments(args)
    const result = runInSlot(process.slot(), () =>
      method === undefined ? loadMethod(process.program).then((load) => load(...own)) : method(...own),
    )
    if (isThenable(result)) result.then(returned, threw)
    else returned(result)
  } catch (error) {
    threw(error)
  }
}

function exitOf(value: unknown): WireExit {
  try {
    return { value: snapshot(value) }
  } catch (error) {
    return { error: errorToWire(error) }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
