/**
 * Enters the overlay of a whole program: the guard comes before any code of the program. A program whose route cannot
 * be read does not start.
 */
import { asTroupeError, denied, TroupeError } from '@troupe/core'
import { readFileSync, writeSync } from 'node:fs'
import Module from 'node:module'
import { dirname } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { provideNetworkAccess } from '../dial/network-access.ts'
import { AllowedTargets, allowTargets } from '../guard/allowed-targets.ts'
import { installGuard } from '../guard/install.ts'
import { markWholeProgram } from '../guard/whole-program.ts'
import { bindThreadNetwork } from '../overlay/thread-network.ts'
import { guardChildren } from './children/guard-children.ts'
import { leaseBlock } from './lease-file.ts'
import { withoutPreload } from './options-text.ts'
import { preloadPath } from './paths.ts'
import { type ProgramPlan, readPlan } from './plan.ts'
import { reportThread } from './report-file.ts'
import { guardThreads } from './guard-threads.ts'

/** The status of a program that was not started, as shells have it. */
const notStarted = 126

/** Call it once in each thread, before any other module. */
export function enterProgram(): void {
  try {
    enter(readPlan())
  } catch (error) {
    if (!isMainThread) throw error
    writeSync(2, `troupe exec: ${asTroupeError(error).message}\n`)
    process.exit(notStarted)
  }
}

function enter(plan: ProgramPlan): void {
  checkFirst()
  hideOwnOptions()
  const { overlay, route, isolate } = plan
  if (plan.report) reportThread()
  markWholeProgram()
  allowTargets(new AllowedTargets(plan.allow))
  // The guard refuses the internals that this needs, so it comes before.
  guardChildren(plan)
  installGuard({ native: plan.native })
  bindThreadNetwork({ overlay, ...(isolate && { isolation: { process: processKey() } }) })
  provideNetworkAccess({
    select: async () => undefined,
    route: async () => Promise.resolve(route),
    leaseAddresses: async () => Promise.resolve(leaseBlock()),
    bind: async () => {
      throw denied(
        `listening in overlay ${overlay} is refused: "troupe exec" opens connections only. ` +
          'To listen on this machine, name the address in --allow: 127.0.0.1, or 0.0.0.0 for servers without a host',
        { overlay },
      )
    },
  })
  guardThreads()
}

/** @throws TroupeError `Internal` when other modules were loaded before: their code ran without the guard. */
function checkFirst(): void {
  const cache: unknown = Reflect.get(Module, '_cache')
  const others = keysOf(cache).filter((file) => file !== preloadPath && !isOwn(file))
  if (others.length === 0) return
  throw new TroupeError('Internal', `${others[0] ?? ''} was loaded before the guard of the overlay: load it later`)
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}

/** Whether a file belongs to Troupe's own packages, which the preload imports. */
function isOwn(file: string): boolean {
  return file.startsWith(dirname(preloadPath))
}

/** Programs see their own options only; children and threads get the preload again. */
function hideOwnOptions(): void {
  const { NODE_OPTIONS: given } = process.env
  if (given !== undefined) {
    const own = withoutPreload(given)
    if (own === '') delete process.env['NODE_OPTIONS']
    else if (own !== given) process.env['NODE_OPTIONS'] = own
  }
  const at = process.execArgv.indexOf(preloadPath)
  if (at > 0) process.execArgv.splice(at - 1, 2)
}

/** Names this process: threads of a process share the key, and no other process of the same run has it. */
function processKey(): string {
  try {
    // The time at which the process started (proc_pid_stat(5), field 22), behind the name in brackets.
    const [, fields = ''] = /\) (.*)$/s.exec(readFileSync('/proc/self/stat', 'utf8')) ?? []
    return `${process.pid} ${fields.split(' ')[19] ?? ''}`
  } catch {
    return String(process.pid)
  }
}
