import { expect, it } from 'vitest'
import { parseTraceState } from './trace-state.ts'

it('keeps the members of a tracestate, and puts a changed one first', () => {
  const state = parseTraceState('a=1, b@vendor=2:3,nonsense,,c=4=5')
  expect(state.serialize()).toBe('a=1,b@vendor=2:3,c=4=5')
  expect([state.get('b@vendor'), state.get('none')]).toEqual(['2:3', undefined])
  expect(state.set('c', '6').serialize()).toBe('c=6,a=1,b@vendor=2:3')
  expect(parseTraceState('=1,a b=2,a=, c = 3').serialize()).toBe('c=3')
  expect(state.unset('a').serialize()).toBe('b@vendor=2:3,c=4=5')
})
