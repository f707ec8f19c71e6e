/** `troupe run`. */
import { keepAlive, sleep, startTimer, stopTimer, TroupeError, withDeadline } from '@troupe/core'
import { dropPrepared } from '@troupe/process/prepare'
import { diagnosticsError } from '@troupe/registry'
import { type Application, type CommandResult, launch, load, type ServiceStatus } from 'troupe/app'
import { commandsOf, findProgram, nothingIn } from './application-commands.ts'
import { describeFailure } from '../failure.ts'
import { pointerTo } from '../pointer.ts'
import { formatCheckDiagnostic } from '../modules/diagnostic.ts'
import { Input } from '../input.ts'
import type { CommonOptions, Runnable } from '../invocation.ts'
import { leaveAtOnce } from '../leave.ts'
import { NothingLeft } from './nothing-left.ts'
import { statusOf, StopSignals } from '../signals.ts'
import { ServiceManager } from './service-manager.ts'
import type { GuardedTerminal, Terminal } from '../terminal.ts'

/** The signals that stop a service of systemd: SIGHUP is a reload. */
const withoutTerminal = ['SIGINT', 'SIGTERM'] as const

/** Milliseconds after which a command that runs can be attached to. */
const attachAfter = 1000

interface RunOptions extends CommonOptions {
  /** Without a command, the application runs until it is asked to stop. */
  readonly program: Runnable | undefined
  readonly args: readonly string[]
  /** Applies saved changes while it runs. */
  readonly watch: boolean
}

/** Boots an application, and returns the exit status. */
export async function run(options: RunOptions, terminal: GuardedTerminal): Promise<number> {
  using manager = ServiceManager.in(process.env, terminal.err)
  const loaded = await load(options)
  const { registry, problems, config } = loaded
  terminal.hide(() => registry.env.secrets)
  if (problems.length > 0) throw diagnosticsError(problems)
  if (registry.entries().length === 0) throw new TroupeError('NotFound', nothingIn(config.root))
  const entry = options.program && findProgram(registry, options.program)
  using signals = new StopSignals(
    (signal) => {
      terminal.err(`troupe: ${signal} again: ended at once`)
      leaveAtOnce(statusOf(signal))
    },
    manager === undefined || entry !== undefined ? undefined : withoutTerminal,
  )
  const started = Promise.withResolvers<Application>()
  if (entry === undefined) manager?.reloadBy(async () => reloaded(await started.promise, options, terminal))
  const app = await launch(loaded, {
    // A command is usually over before anyone looks.
    attach: entry === undefined,
    // Its address is that of the application that runs until it is stopped.
    dashboard: entry === undefined,
    onLog: terminal.err,
    logFor: process.stderr.isTTY ? 'people' : 'programs',
    input: new Input().next,
    ...(terminal.printer && { print: terminal.printer(entry !== undefined) }),
  })
  started.resolve(app)
  manager?.ready(() => app.services().every(({ state }) => state !== 'Failed'))
  await using _watch = options.watch ? await watched(app, options, terminal, manager) : undefined
  const { timeout } = config.shutdown
  if (entry === undefined) {
    dropPrepared()
    const commands = [...commandsOf(registry).keys()].toSorted().join(', ')
    if (app.services().every(({ state }) => state === 'Unknown')) terminal.err(nothingStarts(commands))
    terminal.err(`troupe: running; Ctrl-C stops it${commands === '' ? '' : `; its commands: ${commands}`}`)
    // With --watch a corrected file may start a service again.
    using nothing = options.watch ? undefined : new NothingLeft(app)
    const reason = await lasting(Promise.race([signals.first, ...(nothing ? [nothing.reached] : [])]))
    terminal.err(typeof reason === 'string' ? `troupe: ${reason}: stopping` : describeEnd(reason))
    manager?.stopping()
    if (typeof reason === 'string') await leaving(app, config.shutdown.delay)
    return (await stopped(app, timeout, terminal)) && typeof reason === 'string' ? 0 : 1
  }
  const ended = app.command(entry, options.args).then(
    (result) => ({ status: statusFrom(result, terminal) }),
    (error: unknown) => ({ error }),
  )
  const attaching = startTimer(() => void app.allowAttach(), attachAfter).unref()
  // The process has its thread by now.
  dropPrepared()
  const first = await Promise.race([ended, signals.first])
  stopTimer(attaching)
  if (typeof first === 'string') {
    terminal.err(`troupe: ${first}: stopping ${entry}`)
    manager?.stopping()
    await leaving(app, config.shutdown.delay)
    await stopped(app, timeout, terminal)
    return statusOf(first)
  }
  const orderly = await stopped(app, timeout, terminal)
  if ('error' in first) {
    terminal.err(`troupe: ${entry} failed\n${describeFailure(first.error, options.verbose)}`)
    const pointer = pointerTo(first.error)
    if (pointer !== undefined) terminal.err(pointer)
    if (isOfLoading(first.error)) await explainLoading(options, terminal)
    return 1
  }
  return first.status === 0 && !orderly ? 1 : first.status
}

/** Works on while load balancers learn that it is not ready. */
async function leaving(app: Application, delay: number): Promise<void> {
  app.retire()
  if (delay > 0) await lasting(sleep(delay))
}

async function reloaded(app: Application, options: CommonOptions, terminal: Terminal): Promise<void> {
  const { reloadEntries } = await import('./reload.ts')
  await reloadEntries(app, options, terminal)
}

function describeEnd(services: readonly ServiceStatus[]): string {
  const lines = services.map(({ id, error }) => `  ${id} gave up: ${describeFailure(error, false)}`)
  return ['troupe: no service is left that can run: stopping', ...lines].join('\n')
}

function nothingStarts(commands: string): string {
  const command = commands === '' ? '' : `run one of its commands ("troupe run ${commands.split(', ')[0] ?? ''}"), or `
  return `troupe: nothing starts with the application: ${command}give a service "lifecycle: { auto_start: true }"`
}

async function watched(
  app: Application,
  options: CommonOptions,
  terminal: Terminal,
  manager: ServiceManager | undefined,
): Promise<AsyncDisposable> {
  const { watch } = await import('./watch.ts')
  return watch(app, options, terminal, manager && (async (work) => manager.reload(work)))
}

/** Whether a module could not be loaded. */
function isOfLoading(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? error.code : error instanceof TroupeError ? error.details['code'] : undefined
  return error.name === 'SyntaxError' || (typeof code === 'string' && code.startsWith('ERR_'))
}

/** Node does not name the module that imported what could not be loaded. */
async function explainLoading(options: CommonOptions, terminal: Terminal): Promise<void> {
  const { examine } = await import('./check.ts')
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
    await withDeadline(
      app.stop(),
      timeout,
      () => new TroupeError('Timeout', `it did not stop within ${timeout} ms (shutdown.timeout)`),
    )
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
