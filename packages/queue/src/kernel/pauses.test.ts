import { entryId } from '@troupe/core'
import { expect, it } from 'vitest'
import { Pauses } from './pauses.ts'

it('jobs of an overlay that does not run wait longer the more there are, until it runs again', () => {
  const tor = entryId('app:tor')
  const pauses = new Pauses()
  expect([pauses.next(tor), pauses.next(tor), pauses.next(tor)]).toEqual([1_000, 1_010, 1_020])
  expect(pauses.next(entryId('app:other'))).toBe(1_000)
  for (let job = 0; job < 10_000; job += 1) pauses.next(tor)
  expect(pauses.next(tor)).toBe(60_000)
  pauses.end(tor)
  expect(pauses.next(tor)).toBe(1_000)
})
