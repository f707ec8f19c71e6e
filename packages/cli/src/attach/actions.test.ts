import { describe, expect, it } from 'vitest'
import { parseInvocation } from '../invocation.ts'
import { actionOf } from './actions.ts'

function actionFor(...argv: readonly string[]) {
  const invocation = parseInvocation(argv)
  if (invocation.command !== 'attach') throw new Error(`"${argv.join(' ')}" is for no running application`)
  return actionOf(invocation)
}

const deadLetters = '"troupe dead" takes "list", "replay <id>" or "drop <id>", with an id that it lists'
const deadJobs = '"troupe dead-jobs" takes "list <queue>", "replay <queue> <id>" or "drop <queue> <id>"'
const versions =
  '"troupe registry" takes "log", "diff <from> <to>" or "rollback <version>", with versions that it lists'
const levels = '"troupe log" takes "level" and a level: trace, debug, info, warn, error, fatal, silent, configured'

describe('actionOf', () => {
  it.each([
    [['ps'], undefined],
    [['dead', 'list'], undefined],
    [['dead', 'replay', '7'], { action: 'dead-replay', id: 7 }],
    [['dead-jobs', 'list', 'app:mail'], undefined],
    [['dead-jobs', 'replay', 'app:mail', '7'], { action: 'job-replay', queue: 'app:mail', id: '7' }],
    [['registry', 'diff', '1', '2'], undefined],
    [['registry', 'rollback', '2'], { action: 'registry-rollback', version: 2 }],
    [['log', 'level', 'debug'], { action: 'log-level', level: 'debug' }],
    [['profile', '2', '--cpu', '10m'], { action: 'profile-cpu', thread: 2, milliseconds: 600_000 }],
    [['kill', '<1.2>'], { action: 'terminate', pid: '<1.2>' }],
  ])('parses %j', (argv, action) => {
    expect(actionFor(...argv)).toEqual(action)
  })

  it.each([
    [['ps', 'app:a', 'app:b'], '"troupe ps" takes no "app:a app:b"; --root and --pid choose the application'],
    [['restart', 'app:a', 'app:b'], '"troupe restart" takes the id of a service'],
    [['dead', 'frob'], deadLetters],
    [['dead', 'drop'], deadLetters],
    [['dead', 'drop', 'abc'], deadLetters],
    [['dead', 'drop', '0'], deadLetters],
    [['dead', 'drop', '1', '2'], deadLetters],
    [['dead-jobs'], deadJobs],
    [['dead-jobs', 'list'], deadJobs],
    [['dead-jobs', 'drop', 'app:mail'], deadJobs],
    [['dead-jobs', 'drop', 'app:mail', '1', '2'], deadJobs],
    [['dead-jobs', 'frob', 'app:mail', '1'], deadJobs],
    [['registry', 'frob'], versions],
    [['registry', 'diff', '1'], versions],
    [['registry', 'diff', 'a', 'b'], versions],
    [['registry', 'rollback', '1.5'], versions],
    [['registry', 'rollback', '99999999999999999999'], versions],
    [['log', 'level'], levels],
    [['log', 'level', 'loud'], levels],
    [['profile', '2', '--cpu', '100h'], '--cpu takes a duration of up to ten minutes, not "100h"'],
  ])('refuses %j', (argv, message) => {
    expect(() => actionFor(...argv)).toThrow(expect.objectContaining({ name: 'UsageError', message }))
  })

  it.each(['tree', 'top', 'overlays', 'connections', 'pools', 'threads', 'flow', 'queues'])(
    'gives no operand to %s',
    (name) => {
      expect(() => actionFor(name, 'app:a')).toThrow(`"troupe ${name}" takes no "app:a"`)
    },
  )
})
