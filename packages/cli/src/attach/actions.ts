/** The commands that steer a running application, as actions. */
import { parseDuration } from '@troupe/core'
import { operatorAction, type OperatorAction } from 'troupe/app'
import type { AttachName } from '../help.ts'
import type { AttachOptions } from '../invocation.ts'
import { UsageError } from '../usage-error.ts'

/** What each command takes, for those that take one operand. */
const operandOf: Readonly<Partial<Record<AttachName, string>>> = {
  kill: 'a pid, as "troupe ps" lists it: "<2.1>"',
  cancel: 'a pid, as "troupe ps" lists it: "<2.1>"',
  close: 'a connection, as "troupe connections" lists it: 3.17',
  start: 'the id of a service',
  stop: 'the id of a service',
  restart: 'the id of a service',
  profile: 'a thread, as "troupe threads" lists it, and --cpu 10s or --heap',
}

/**
 * The action of a command; `undefined` for a command that looks only.
 *
 * @throws TroupeError `Invalid` for a wrong duration.
 * @throws UsageError
 */
export function actionOf(options: AttachOptions): OperatorAction | undefined {
  const { name, operands } = options
  switch (name) {
    case 'dead':
      return ofDeadLetters(operands)
    case 'dead-jobs':
      return ofDeadJobs(operands)
    case 'registry':
      return ofRegistry(operands)
    case 'log':
      return ofLog(options)
    case 'trace':
    case 'dashboard':
      return undefined
    default:
      if (operandOf[name] !== undefined) return ofOne(options, operandOf[name])
      if (operands.length > 0) throw takesNone(name, operands)
      return undefined
  }
}

function takesNone(name: string, operands: readonly string[]): UsageError {
  return new UsageError(`"troupe ${name}" takes no "${operands.join(' ')}"; --root and --pid choose the application`)
}

function ofOne({ name, operands, cpu, heap }: AttachOptions, takes: string): OperatorAction {
  const [first, second] = operands
  const wrong = new UsageError(`"troupe ${name}" takes ${takes}`)
  if (first === undefined || second !== undefined) throw wrong
  switch (name) {
    case 'kill':
      return { action: 'terminate', pid: first }
    case 'cancel':
      return { action: 'cancel', pid: first }
    case 'start':
    case 'stop':
    case 'restart':
      return { action: name, service: first }
    case 'close': {
      const [, thread, connection] = /^(\d+)\.(\d+)$/.exec(first) ?? []
      if (thread === undefined) throw wrong
      return { action: 'close', thread: Number(thread), connection: Number(connection) }
    }
    default: {
      if (!/^\d+$/.test(first) || (cpu === undefined) === !heap) throw wrong
      const thread = Number(first)
      return cpu === undefined
        ? { action: 'profile-heap', thread }
        : checked(
            { action: 'profile-cpu', thread, milliseconds: Math.round(parseDuration(cpu)) },
            `--cpu takes a duration of up to ten minutes, not "${cpu}"`,
          )
    }
  }
}

function ofDeadLetters([what = 'list', id, more]: readonly string[]): OperatorAction | undefined {
  if (what === 'list' && id === undefined) return undefined
  const takes = '"troupe dead" takes "list", "replay <id>" or "drop <id>", with an id that it lists'
  if (more !== undefined) throw new UsageError(takes)
  return checked({ action: `dead-${what}`, id: numberOf(id) }, takes)
}

function ofDeadJobs([what, queue, id, more]: readonly string[]): OperatorAction | undefined {
  if (what === 'list' && queue !== undefined && id === undefined) return undefined
  const takes = '"troupe dead-jobs" takes "list <queue>", "replay <queue> <id>" or "drop <queue> <id>"'
  if (more !== undefined) throw new UsageError(takes)
  return checked({ action: `job-${what}`, queue, id }, takes)
}

function ofRegistry([what = 'log', first, second, more]: readonly string[]): OperatorAction | undefined {
  if (what === 'log' && first === undefined) return undefined
  const [from, to] = [numberOf(first), numberOf(second)]
  if (what === 'diff' && from !== undefined && to !== undefined && more === undefined) return undefined
  const takes = '"troupe registry" takes "log", "diff <from> <to>" or "rollback <version>", with versions that it lists'
  if (what !== 'rollback' || second !== undefined) throw new UsageError(takes)
  return checked({ action: 'registry-rollback', version: from }, takes)
}

function ofLog({ operands: [what, level, more], entry }: AttachOptions): OperatorAction {
  const takes = '"troupe log" takes "level" and a level: trace, debug, info, warn, error, fatal, silent, configured'
  if (what !== 'level' || more !== undefined) throw new UsageError(takes)
  return checked({ action: 'log-level', level, ...(entry !== undefined && { entry }) }, takes)
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/**
 * @param takes - What the command takes.
 * @throws UsageError with `takes`.
 */
function checked(action: object, takes: string): OperatorAction {
  const { data } = operatorAction.safeParse(action)
  if (data === undefined) throw new UsageError(takes)
  return data
}
