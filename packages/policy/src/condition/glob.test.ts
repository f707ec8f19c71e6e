import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Globs } from './glob.ts'

const matches = (pattern: string, text: string) => new Globs([pattern]).match(text)

describe('patterns', () => {
  it.each([
    ['network.select', 'network.select', true],
    ['network.select', 'network.selected', false],
    ['network.*', 'network.select', true],
    ['network.*', 'network', false],
    ['*.select', 'network.select', true],
    ['*', '', true],
    ['**', 'anything at\nall', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*bc', 'abc', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['*a*b*', 'xxbxa', false],
    ['app:.*', 'app:x', false],
    ['', '', true],
    ['', 'a', false],
  ])('%s covers %s: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it('match as a regular expression does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 12 })
    fc.assert(
      fc.property(text, text, (pattern, text) => {
        const expression = pattern
          .split('*')
          .map((part) => RegExp.escape(part))
          .join('.*')
        expect(matches(pattern, text)).toBe(new RegExp(`^${expression}$`, 's').test(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('do not backtrack', () => {
    // An expression that backtracks would need longer than the age of the universe.
    expect(matches(`${'a*'.repeat(60)}b`, 'a'.repeat(20_000))).toBe(false)
  })
})
