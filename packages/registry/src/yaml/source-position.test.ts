import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparePositions, formatPath, parsePath } from './source-position.ts'

describe('paths', () => {
  it.each([
    ['timeouts.read', ['timeouts', 'read']],
    ['middleware[2].name', ['middleware', 2, 'name']],
    ['options["inbound.length"]', ['options', 'inbound.length']],
    ['values["12"]', ['values', '12']],
  ])('%s', (text, path) => {
    expect(parsePath(text)).toEqual(path)
    expect(formatPath(path)).toBe(text)
  })

  it('reads indexes after a dot', () => {
    expect(parsePath('middleware.2.name')).toEqual(['middleware', 2, 'name'])
  })

  it('restores any path', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.nat())), (path) => {
        expect(parsePath(formatPath(path))).toEqual(path)
      }),
    )
  })
})

describe('comparePlaces', () => {
  it('orders by file, line and column', () => {
    const places = [
      { file: 'a', line: 1, column: 2 },
      { file: 'a', line: 2, column: 1 },
      { file: 'b', line: 1, column: 1 },
    ]
    expect(places.toReversed().toSorted(comparePositions)).toEqual(places)
  })
})
