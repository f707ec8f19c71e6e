import { expect, it } from 'vitest'
import type { Observation } from 'troupe/app'
import { processTable, processTree } from './views.ts'

function observed(entry: string): Observation
function observed(entry: string): object {
  const row = {
    pid: '<1.1>',
    parent: undefined,
    entry,
    names: [],
    state: 'waiting',
    mailbox: 0,
    handled: 0,
    links: 0,
    startedAt: 0,
    host: 'app:h',
    thread: 1,
    overlay: null,
  }
  return { at: 5000, processes: { rows: [row], silent: [] } }
}

it('a name that code made begins no row', () => {
  const forged = 'app:x\n<1.2>  app:trusted'
  expect(processTable(observed(forged)).split('\n')).toHaveLength(2)
  expect(processTree(observed(forged)).split('\n')).toHaveLength(1)
})

it('columns are as wide as the names that are shown', () => {
  const table = processTable(observed('app:x\u001b[31m\u009b\u202e'))
  const [head = '', row = ''] = table.split('\n')
  expect(row).toContain('app:x\\u001b[31m\\u009b\\u202e')
  expect(row.indexOf('waiting')).toBe(head.indexOf('STATE'))
})
