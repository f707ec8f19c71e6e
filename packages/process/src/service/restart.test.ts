import { lifecycleSchema } from '@troupe/registry'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isExhausted, type RestartPolicy, restartDelay } from './restart.ts'

const { restart: defaults } = lifecycleSchema.parse(undefined)

const policies: fc.Arbitrary<RestartPolicy> = fc.record({
  initialDelay: fc.integer({ min: 0, max: 60_000 }),
  maxDelay: fc.integer({ min: 0, max: 600_000 }),
  backoffFactor: fc.double({ min: 1, max: 10, noNaN: true }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  maxAttempts: fc.integer({ min: 0, max: 20 }),
})
const attempts = fc.integer({ min: 1, max: 5_000 })
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('restartDelay', () => {
  it('follows the documented default policy', () => {
    const delays = [1, 2, 3, 7, 8, 100].map((attempt) => restartDelay(defaults, attempt, () => 0.5))
    expect(delays).toEqual([1_000, 2_000, 4_000, 64_000, 90_000, 90_000])
    expect(restartDelay(defaults, 1, () => 0)).toBeCloseTo(900)
    expect(restartDelay(defaults, 1, () => 0.999_999)).toBeCloseTo(1_100)
  })

  it('grows with each attempt for the same random value', () => {
    fc.assert(
      fc.property(policies, attempts, chances, (policy, attempt, chance) => {
        expect(restartDelay(policy, attempt + 1, () => chance)).toBeGreaterThanOrEqual(
          restartDelay(policy, attempt, () => chance),
        )
      }),
    )
  })

  it('stays within the jitter, above zero and below the maximum', () => {
    fc.assert(
      fc.property(policies, attempts, chances, (policy, attempt, chance) => {
        const middle = restartDelay({ ...policy, jitter: 0 }, attempt)
        const delay = restartDelay(policy, attempt, () => chance)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThanOrEqual(policy.maxDelay)
        expect(Math.abs(delay - middle)).toBeLessThanOrEqual(middle * policy.jitter + 1e-6)
      }),
    )
  })
})

describe('isExhausted', () => {
  it('is never true without a maximum', () => {
    fc.assert(
      fc.property(policies, attempts, (policy, attempt) => !isExhausted({ ...policy, maxAttempts: 0 }, attempt)),
    )
  })

  it('is true from the maximum on', () => {
    expect([1, 2, 3, 4].map((attempt) => isExhausted({ ...defaults, maxAttempts: 3 }, attempt))).toEqual([
      false,
      false,
      true,
      true,
    ])
  })
})
