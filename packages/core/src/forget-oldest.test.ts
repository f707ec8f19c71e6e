import { expect, it } from 'vitest'
import { forgetOldest } from './forget-oldest.ts'

it('forgets what was added first, once there is more than may be remembered', () => {
  const names = new Map<string, number>()
  for (const [n, name] of ['a', 'b', 'c'].entries()) {
    names.set(name, n)
    forgetOldest(names, 2)
  }
  expect([...names.keys()]).toEqual(['b', 'c'])
  const set = new Set(['x'])
  forgetOldest(set, 1)
  expect([...set]).toEqual(['x'])
})
