import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { Grants } from './grants.ts'

const proxy = entryId('net:proxy')
const other = entryId('net:other')

describe('a claim', () => {
  it.each([proxy, null])('to %s holds when the thread that it came by has it, then or later', (overlay) => {
    const grants = new Grants()
    grants.grant(1, overlay)
    grants.claim(2, overlay, 1)
    grants.claim(4, overlay, 3)
    expect([2, 4].map((thread) => grants.holds(thread, overlay))).toEqual([true, false])
    grants.claim(3, overlay, 2)
    expect(grants.holds(4, overlay)).toBe(true)
    expect(grants.holds(4, overlay === null ? proxy : null)).toBe(false)
  })

  it('to what nobody has stays one', () => {
    const grants = new Grants()
    grants.claim(2, other, 1)
    grants.grant(1, proxy)
    grants.grant(3, other)
    expect(grants.holds(2, other)).toBe(false)
    grants.threadGone(1)
    grants.grant(1, other)
    expect(grants.holds(2, other)).toBe(false)
  })

  it('counts once, and so many wait for one thread', () => {
    const grants = new Grants()
    for (let i = 0; i < 3000; i += 1) grants.claim(2 + (i % 2000), other, 1)
    grants.grant(1, other)
    expect([2, 1025, 1026, 2001].map((thread) => grants.holds(thread, other))).toEqual([true, true, false, false])
  })
})

it('who was let choose the clear network is told of', () => {
  const grants = new Grants()
  const opened: number[] = []
  grants.onOpened = (thread) => opened.push(thread)
  grants.grant(1, proxy)
  grants.grant(2, null)
  expect(opened).toEqual([2])
})
