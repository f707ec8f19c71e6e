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
    case 'registry':
      return ofRegistry(operands)
    case 'log':
      return ofLog(options)
    default:
      return operandOf[name] === undefined ? undefined : ofOne(options, operandOf[name])
  }
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
        : checked({ action: 'profile-cpu', thread, milliseconds: Math.round(parseDuration(cpu)) })
    }
  }
}

function ofDeadLetters([what = 'list', id, more]: readonly string[]): OperatorAction | undefined {
  if (what === 'list' && id === undefined) return undefined
  if ((what !== 'replay' && what !== 'drop') || id === undefined || more !== undefined)
    throw new UsageError('"troupe dead" takes "list", "replay <id>" or "drop <id>"')
  return checked({ action: `dead-${what}`, id: Number(id) })
}

function ofRegistry([what = 'log', first, second, more]: readonly string[]): OperatorAction | undefined {
  if (what === 'log' && first === undefined) return undefined
  if (what === 'diff' && second !== undefined && more === undefined) return undefined
  if (what === 'rollback' && first !== undefined && second === undefined)
    return checked({ action: 'registry-rollback', version: Number(first) })
  throw new UsageError('"troupe registry" takes "log", "diff <from> <to>" or "rollback <version>"')
}

function ofLog({ operands: [what, level, more], entry }: AttachOptions): OperatorAction {
  if (what !== 'level' || level === undefined || more !== undefined)
    throw new UsageError(
      '"troupe log" takes "level" and a level: trace, debug, info, warn, error, fatal, silent, configured',
    )
  return checked({ action: 'log-level', level, ...(entry !== undefined && { entry }) })
}

/** @throws UsageError */
function checked(action: object): OperatorAction {
  const { data, error } = operatorAction.safeParse(action)
  if (data !== undefined) return data
  const [issue] = error.issues
  throw new UsageError(`${issue?.path.join('.')}: ${issue?.message}`)
}
