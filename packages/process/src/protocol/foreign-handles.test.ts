import { open } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { foreignIn, holdsFile } from './foreign-handles.ts'

const long = 2 ** 31
const sparse = (): unknown[] => Object.assign<unknown[], object>([], { length: long })

describe('a sparse array', () => {
  it.each<[string, () => unknown]>([
    ['alone', sparse],
    ['in a field', () => ({ a: [{ b: sparse() }] })],
    ['with something at its end', () => Object.assign(sparse(), { [long - 1]: 1 })],
    ['with something at its beginning', () => Object.assign(sparse(), { 0: 1 })],
    ['with fields', () => Object.assign(sparse(), { a: 1, b: 2 })],
    ['in a map', () => new Map([[sparse(), 1]])],
    ['in the cause of an error', () => Object.assign(new Error('x'), { cause: sparse() })],
  ])('is detected at once: %s', (_, make) => {
    expect(foreignIn(make())).toBe('a long list that is all but empty')
    expect(holdsFile(make())).toBe(true)
  })

  it('is not an array with few holes, or of undefined', () => {
    for (const list of [
      Object.assign([1], { 1000: 1 }),
      Array.from({ length: 100_000 }),
      Array.from({ length: 100_000 }).fill(0),
      [],
    ])
      expect([foreignIn(list), holdsFile({ list })]).toEqual([undefined, false])
  })

  it('hides no handle', async () => {
    await using file = await open(import.meta.filename)
    for (const list of [
      Object.assign(sparse(), { 77: file }),
      Object.assign(sparse(), { x: file }),
      Object.assign([1], { x: file }),
      [[file]],
    ])
      expect(foreignIn(list)).toBe('a handle')
  })
})
