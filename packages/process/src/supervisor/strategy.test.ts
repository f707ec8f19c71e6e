import { describe, expect, it } from 'vitest'
import {
  countRestart,
  type Member,
  childSpecError,
  type Rules,
  stopOrder,
  restartPlan,
  exitDecision,
} from './strategy.ts'

const rules: Rules = { strategy: 'one_for_one', maxRestarts: 2, maxSeconds: 5, autoShutdown: 'never' }
const member = (id: string, change: Partial<Member> = {}): Member => ({
  id,
  restart: 'permanent',
  significant: false,
  up: true,
  ...change,
})
const members = [
  member('a'),
  member('b', { up: false }),
  member('c', { restart: 'temporary' }),
  member('d', { restart: 'transient' }),
]

describe('restart plan', () => {
  it.each([
    ['one_for_one', { stop: [], start: ['b'] }],
    ['rest_for_one', { stop: ['d', 'c'], start: ['b', 'd'] }],
    ['one_for_all', { stop: ['d', 'c', 'a'], start: ['a', 'b', 'd'] }],
  ] as const)('%s', (strategy, expected) => {
    expect(restartPlan(strategy, members, 'b')).toEqual(expected)
  })
})

describe('exit decision', () => {
  it.each([
    ['permanent', false, 'restart'],
    ['permanent', true, 'restart'],
    ['transient', false, 'leave'],
    ['transient', true, 'restart'],
    ['temporary', false, 'leave'],
    ['temporary', true, 'leave'],
  ] as const)('%s, failed: %s', (restart, failed, expected) => {
    expect(exitDecision(rules, members, member('b', { restart }), failed)).toBe(expected)
  })

  it('ends the supervisor with the first or the last significant child', () => {
    const ended = member('x', { restart: 'temporary', significant: true, up: false })
    const other = member('y', { restart: 'transient', significant: true })
    expect(exitDecision({ ...rules, autoShutdown: 'any_significant' }, [ended, other], ended, true)).toBe('shutdown')
    expect(exitDecision({ ...rules, autoShutdown: 'all_significant' }, [ended, other], ended, true)).toBe('leave')
    expect(
      exitDecision({ ...rules, autoShutdown: 'all_significant' }, [ended, { ...other, up: false }], ended, true),
    ).toBe('shutdown')
    expect(exitDecision({ ...rules, autoShutdown: 'any_significant' }, [other], { ...other, up: false }, true)).toBe(
      'restart',
    )
  })
})

it('countRestart drops restarts that are too old, to the millisecond', () => {
  expect(countRestart(rules, [0, 1_000], 5_000)).toEqual({ restarts: [0, 1_000, 5_000], givesUp: true })
  expect(countRestart(rules, [0, 1_000], 5_001)).toEqual({ restarts: [1_000, 5_001], givesUp: false })
})

it('stopOrder is the reverse of the start order, of running children', () => {
  expect(stopOrder(members)).toEqual(['d', 'c', 'a'])
})

it('reports children that cannot be significant', () => {
  expect(childSpecError({ autoShutdown: 'any_significant' }, member('a', { significant: true }))).toContain('permanent')
  expect(childSpecError(rules, member('a', { significant: true, restart: 'temporary' }))).toContain('auto_shutdown')
  expect(
    childSpecError({ autoShutdown: 'all_significant' }, member('a', { significant: true, restart: 'temporary' })),
  ).toBeUndefined()
})
