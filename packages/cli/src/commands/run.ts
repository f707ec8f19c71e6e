/** `troupe run`. */
import { keepAlive, TroupeError, withDeadline } from '@troupe/core'
import { diagnosticsError } from '@troupe/registry'
import { type Application, boot, type CommandResult, load } from 'troupe/app'
import { examine } from './check.ts'
import { commandsOf, findProgram } from './application-commands.ts'
import { describeFailure } from '../failure.ts'
import { formatCheckDiagnostic } from '../modules/diagnostic.ts'
import { Input } from '../input.ts'
import type { CommonOptions, Runnable } from '../invocation.ts'
import { leaveAtOnce } from '../leave.ts'
import { statusOf, StopSignals } from '../signals.ts'
import type { GuardedTerminal, Terminal } from '../terminal.ts'
import { watch } from './watch.ts'

interface RunOptions extends CommonOptions {
  /** Without a command, the application runs until it is asked to stop. */
  readonly program: Runnable | undefined
  readonly args: readonly string[]
  /** Applies saved changes while it runs. */
  readonly watch: boolean
}

/** Boots an application, and returns the exit status. */
export async function run(options: RunOptions, terminal: GuardedTerminal): Promise<number> {
  const { registry, problems, config } = await load(options)
  terminal.hide(() => registry.env.secrets)
  if (problems.length > 0) throw diagnosticsError(problems)
  const entry = options.program && findProgram(registry, options.program)
  using signals = new StopSignals((signal) => {
    terminal.err(`troupe: ${signal} again: ended at once`)
    leaveAtOnce(statusOf(signal))
  })
  const app = await boot({
    ...options,
    onLog: terminal.err,
    logFor: process.stderr.isTTY ? 'people' : 'programs',
    input: new Input().next,
    ...(terminal.printer && { print: terminal.printer(entry !== undefined) }),
  })
  terminal.hide(() => app.registry.env.secrets)
  await using _watch = options.watch ? await watch(app, options, terminal) : undefined
  const { timeout } = config.shutdown
  if (entry === undefined) {
    const commands = [...commandsOf(registry).keys()].toSorted().join(', ')
    terminal.err(`troupe: running; Ctrl-C stops it${commands === '' ? '' : `; its commands: ${commands}`}`)
    const signal = await lasting(signals.first)
    terminal.err(`troupe: ${signal}: stopping`)
    return (await stopped(app, timeout, terminal)) ? 0 : 1
  }
  const ended = app.command(entry, options.args).then(
    (result) => ({ status: statusFrom(result, terminal) }),
    (error: unknown) => ({ error }),
  )
  const first = await Promise.race([ended, signals.first])
  if (typeof first === 'string') {
    terminal.err(`troupe: ${first}: stopping ${entry}`)
    await stopped(app, timeout, terminal)
    return statusOf(first)
  }
  const orderly = await stopped(app, timeout, terminal)
  if ('error' in first) {
    terminal.err(`troupe: ${entry} failed\n${describeFailure(first.error, options.verbose)}`)
    if (isOfLoading(first.error)) await explainLoading(options, terminal)
    return 1
  }
  return first.status === 0 && !orderly ? 1 : first.status
}

/** Whether a module could not be loaded. */
function isOfLoading(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? error.code : error instanceof TroupeError ? error.details['code'] : undefined
  return error.name === 'SyntaxError' || (typeof code === 'string' && code.startsWith('ERR_'))
}

/** Node does not name the module that imported what could not be loaded. */
async function explainLoading(options: CommonOptions, terminal: Terminal): Promise<void> {
  const { findings } = await examine(options)
  for (const finding of findings) if (finding.severity !== 'warning') terminal.err(formatCheckDiagnostic(finding))
}

/** The number that a command returned, if it is a valid status; otherwise the exit code that it set in Node. */
function statusFrom({ value, exitCode }: CommandResult, terminal: Terminal): number {
  if (typeof value !== 'number') return exitCode ?? 0
  if (Number.isInteger(value) && value >= 0 && value <= 255) return value
  terminal.err(`troupe: the command returned ${value}, which is not a status (0 to 255); the status is 1`)
  return 1
}

/** Stops the application within `timeout` milliseconds, and returns whether it did. */
async function stopped(app: Application, timeout: number, terminal: Terminal): Promise<boolean> {
  try {
    await withDeadline(app.stop(), timeout, () => new TroupeError('Timeout', `it did not stop within ${timeout} ms (shutdown.timeout)`))
    return true
  } catch (error) {
    terminal.err(`troupe: the stop failed\n${describeFailure(error, false)}`)
    terminal.stuck?.()
    return false
  }
}

/** Waits; an application without threads would not keep the program alive by itself. */
async function lasting<T>(promise: Promise<T>): Promise<T> {
  using _alive = keepAlive()
  return await promise
}
