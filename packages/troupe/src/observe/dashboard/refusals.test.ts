import { expect, it } from 'vitest'
import { operatorAction } from '../attach-files.ts'
import { Refusals } from './refusals.ts'

it('notes a few refused actions, and counts the others', () => {
  const lines: string[] = []
  {
    using refusals = new Refusals((line) => lines.push(line))
    for (let i = 0; i < 50; i += 1) refusals.add({ action: 'stop', service: `app:${i}` })
    expect(lines).toEqual([0, 1, 2].map((i) => `dashboard, reader: stop app:${i} was refused`))
  }
  expect(lines.slice(3)).toEqual(['dashboard, reader: further actions were refused: 47'])
})

it('takes no long names', () => {
  const long = 'x'.repeat(257)
  const actions = [
    { action: 'cancel', pid: long },
    { action: 'stop', service: long },
    { action: 'log-level', level: 'info', entry: long },
  ]
  for (const action of actions) expect(operatorAction.safeParse(action).success).toBe(false)
})
