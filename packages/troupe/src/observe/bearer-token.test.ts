import { expect, it } from 'vitest'
import { hasToken } from './bearer-token.ts'

it('accepts the scheme in any case, and the token only as it is', () => {
  for (const header of ['Bearer Abc', 'bearer Abc', 'BEARER  Abc']) expect(hasToken(header, 'Abc')).toBe(true)
  const wrong = [
    undefined,
    '',
    'Abc',
    'Bearer',
    'Bearer ',
    'Bearer abc',
    'Bearer Abcd',
    'Basic Abc',
    'BearerAbc',
    'x Bearer Abc',
  ]
  for (const header of wrong) expect(hasToken(header, 'Abc')).toBe(false)
})
