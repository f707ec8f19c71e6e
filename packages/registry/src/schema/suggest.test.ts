import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { didYouMean, editDistance, suggest } from './suggest.ts'

describe('suggest', () => {
  it.each([
    ['prot', 'port'],
    ['hots', 'host'],
    ['isolatestreams', 'isolate_streams'],
    ['usernmae', 'username'],
    ['PORT', 'port'],
    ['x', undefined],
    ['something', undefined],
  ])('%s → %s', (word, expected) => {
    expect(suggest(word, ['host', 'port', 'username', 'password', 'isolate_streams'])).toBe(expected)
  })

  it('asks a question', () => {
    expect(didYouMean('prot', ['port'])).toBe('; did you mean "port"?')
    expect(didYouMean('zzz', ['port'])).toBe('')
  })
})

describe('editDistance', () => {
  it('counts a swap of neighbours as one', () => {
    expect(editDistance('prot', 'port')).toBe(1)
    expect(editDistance('kitten', 'sitting')).toBe(3)
  })

  it('is a metric: zero for equals only, symmetric, at most the longer length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const distance = editDistance(a, b)
        expect(distance === 0).toBe(a === b)
        expect(editDistance(b, a)).toBe(distance)
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })
})
