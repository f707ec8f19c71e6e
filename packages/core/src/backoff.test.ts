import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoffDelay } from './backoff.ts'

it('doubles up to the maximum', () => {
  expect([0, 1, 2, 3, 4, 5, 2000].map((failures) => backoffDelay({ initial: 100, max: 1000 }, failures))).toEqual([
    100, 100, 200, 400, 800, 1000, 1000,
  ])
})

it('stays between zero and the maximum, for any random value', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const policy = fc.record({
    initial: fc.double({ min: 0, max: 1e12, noNaN: true }),
    max: fc.double({ min: 0, max: 1e12, noNaN: true }),
    factor: fc.double({ min: 1, max: 100, noNaN: true }),
    jitter: fc.oneof(share, fc.constant('full' as const)),
  })
  fc.assert(
    fc.property(policy, fc.nat(), share, (backoff, failures, drawn) => {
      const delay = backoffDelay(backoff, failures, () => drawn)
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(backoff.max)
    }),
  )
})

it('varies by its jitter, or over the whole range', () => {
  const moved = [0, 0.5, 1].map((drawn) => backoffDelay({ initial: 100, max: 1000, jitter: 0.1 }, 1, () => drawn))
  expect(moved).toEqual([90, 100, expect.closeTo(110)])
  expect([0, 0.5, 1].map((drawn) => backoffDelay({ initial: 100, max: 1000, jitter: 'full' }, 2, () => drawn))).toEqual(
    [0, 100, 200],
  )
})
