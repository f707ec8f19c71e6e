import { entryId } from '@troupe/core'
import { expect, it } from 'vitest'
import { OverlayGrants } from './overlay-grants.ts'
import { always } from './grant-validity.ts'

const proxy = entryId('net:proxy')

it('a thread holds a grant as long as a reason for it exists, and no other thread does', () => {
  const grants = new OverlayGrants()
  const reason = { isValid: true }
  grants.grant(1, proxy, reason)
  grants.grant(2, null)
  expect([1, 2].map((thread) => [grants.holds(thread, proxy), grants.holds(thread, null)])).toEqual([
    [true, false],
    [false, true],
  ])
  reason.isValid = false
  expect(grants.holds(1, proxy)).toBe(false)
  grants.grant(1, proxy, always)
  expect(grants.holds(1, proxy)).toBe(true)
  grants.threadGone(1)
  expect(grants.holds(1, proxy)).toBe(false)
})
