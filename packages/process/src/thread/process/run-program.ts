/** Runs the program of a process. */
import { fileURLToPath } from 'node:url'
import { errorToWire, runInSlot } from '@troupe/core'
import { snapshotForKernel, unpackArguments } from '../../mailbox/payload.ts'
import type { Program, WireExit } from '../../protocol/programs.ts'
import { lookLater } from '../builtins.ts'
import type { LocalProcess } from './local-process.ts'
import { loadedMethod, loadMethod } from '../module.ts'

/** The result of a command: what it returned, and `process.exitCode` at that time. */
interface CommandResult {
  readonly value: unknown
  readonly exitCode: number | undefined
}

/** Runs a process's method in its frame, and reports how it ended, unless the process runs another program by then. */
export function run(process: LocalProcess, args: readonly unknown[], onEnd: (exit: WireExit) => void): void {
  const { epoch, program } = process
  const end = (exit: WireExit) => {
    lookLater()
    if (process.epoch === epoch) onEnd(exit)
  }
  const returned = (value: unknown) => {
    end(exitOf(program.isCommand ? resultOf(value) : value))
  }
  const threw = (error: unknown) => {
    end({ error: errorToWire(error) })
  }
  const method = loadedMethod(process.program)
  try {
    const own = unpackArguments(args)
    if (program.isCommand) beProgram(program, own)
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
    return { value: snapshotForKernel(value) }
  } catch (error) {
    return { error: errorToWire(error) }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** Passes the arguments of a command in `process.argv`, as for a program of the shell. */
function beProgram({ module }: Program, args: readonly unknown[]): void {
  const { origin, protocol, pathname } = new URL(module)
  process.argv = [
    process.execPath,
    protocol === 'file:' ? fileURLToPath(`file://${pathname}`) : origin + pathname,
    ...args.map(String),
  ]
}

function resultOf(value: unknown): CommandResult {
  const code = Number(process.exitCode ?? Number.NaN)
  return { value, exitCode: Number.isInteger(code) ? code & 0xff : undefined }
}
