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
