/** Starts the program, and ends as it ends. */
import { TroupeError } from '@troupe/core'
import {
  type ChildRequest,
  forwardSignals,
  leaseDescriptor,
  openAppended,
  planChild,
  planDescriptor,
  type ProgramPlan,
  readReport,
  type ReportLine,
  reportDescriptor,
  withPreload,
  writePlan,
} from '@troupe/network/program'
import { type ChildProcess, spawn, spawnSync, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'

/** How the program ended. */
export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly ReportLine[]
}

/**
 * Runs `command` with the plan, and with the environment `env`.
 *
 * @throws TroupeError `PermissionDenied` for a program that is refused; the error of `spawn` for one that does not
 *   exist.
 */
export async function launch(
  command: readonly string[],
  plan: ProgramPlan,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ProgramEnd> {
  const [file = ''] = command
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const request: ChildRequest = { file, args: command, folder: process.cwd(), env: new Map(variables) }
  const child = planChild(request, { overlay: plan.overlay, native: plan.native, run: runOnce })
  const report = plan.report ? openAppended() : undefined
  const stdio: StdioOptions = ['inherit', 'inherit', 'inherit']
  while (stdio.length <= planDescriptor) stdio.push('ignore')
  stdio[planDescriptor] = writePlan(plan)
  stdio[leaseDescriptor] = openAppended()
  if (report !== undefined) stdio[reportDescriptor] = report
  const started = begin(child, stdio)
  const stop = forwardSignals(() => [started])
  const { code, signal } = await endOf(started, file)
  stop()
  return { code, signal, lines: report === undefined ? [] : readReport(report) }
}

function begin({ file, args: [argv0, ...args], env }: ChildRequest, stdio: StdioOptions): ChildProcess {
  const own = { ...Object.fromEntries(env), NODE_OPTIONS: withPreload(env.get('NODE_OPTIONS')) }
  try {
    return spawn(file, args, { ...(argv0 !== undefined && { argv0 }), stdio, env: own })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (code !== 'EINVAL' && code !== 'EBADF') throw cause
    const why = `it inherits descriptors up to ${planDescriptor}: is the limit of open files (ulimit -n) below 256?`
    throw new TroupeError('Unavailable', `the program cannot be started (${code}), because ${why}`, { cause })
  }
}

async function endOf(child: ChildProcess, path: string): Promise<Pick<ProgramEnd, 'code' | 'signal'>> {
  try {
    await once(child, 'exit')
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { path }) : error
  }
  return { code: child.exitCode, signal: child.signalCode }
}

/** Asks a program for its version, as the guard's native function does. */
function runOnce(options: unknown): unknown {
  const file: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'file') : undefined
  const { stdout } = spawnSync(String(file), ['--version'], { env: {}, timeout: 5000 })
  return { output: [null, stdout, null] }
}
