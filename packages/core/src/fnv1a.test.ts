import { expect, it } from 'vitest'
import { fnv1a } from './fnv1a.ts'

it('gives the published values', () => {
  expect([fnv1a(''), fnv1a('a'), fnv1a('foobar')].map((hash) => hash >>> 0)).toEqual([
    0x81_1c_9d_c5, 0xe4_0c_29_2c, 0xbf_9c_f9_68,
  ])
})
