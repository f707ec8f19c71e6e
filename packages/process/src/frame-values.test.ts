/** Limits of the values that frames hold. */
import { describe, expect, it } from 'vitest'
import { processes } from './api/processes.ts'

describe('values of a frame', () => {
  it('are few and small, and an error names the one that is too much', () => {
    expect(() => processes.withContext({ a: 1, big: 'x'.repeat(20_000) })).toThrow(
      expect.objectContaining({ kind: 'Invalid', details: expect.objectContaining({ path: 'big' }) as unknown }),
    )
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`v${index}`, index]))
    expect(() => processes.withContext(many)).toThrow(/at most 64 values: "v64"/)
    expect(() => processes.withContext({ f: () => 1 })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })
})
