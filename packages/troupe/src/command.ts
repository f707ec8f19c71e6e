/** Runs a process entry like a program of the shell. */
import { emptyFrame, type EntryId, errorFromWire, fork } from '@troupe/core'
import { unpack } from '@troupe/process'
import { exitCodeOf, type Kernel, type WireExit } from '@troupe/process/kernel'

/** The outcome of a command: its return value, and the status that it set by `process.exitCode` or `process.exit`. */
export interface CommandResult {
  /** What the process returned. */
  readonly value: unknown
  /** `process.exitCode` of the process, if it set one. */
  readonly exitCode: number | undefined
}

/** Runs `entry` to its end. @throws what the process threw. */
export async function runCommand(
  kernel: Kernel,
  entry: EntryId,
  host: EntryId,
  args: readonly string[],
): Promise<CommandResult> {
  const { promise: ended, resolve } = Promise.withResolvers<WireExit>()
  const { program, pin } = kernel.program(entry)
  kernel.spawn({
    entry,
    program: { ...program, isCommand: true },
    host,
    args,
    frame: fork(emptyFrame, { overlay: pin }),
    onExit: resolve,
  })
  const exit = await ended
  if ('value' in exit) {
    const value = unpack(exit.value)
    return isResult(value) ? value : { value, exitCode: undefined }
  }
  const error = errorFromWire(exit.error)
  const exitCode = exitCodeOf(error)
  if (exitCode === undefined) throw error
  return { value: undefined, exitCode }
}

/** A command that became another process by `self.upgrade` returns a plain value. */
function isResult(value: unknown): value is CommandResult {
  return typeof value === 'object' && value !== null && 'value' in value && 'exitCode' in value
}
