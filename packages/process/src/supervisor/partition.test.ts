import fc from 'fast-check'
import { expect, it } from 'vitest'
import { partitionOf } from './partition.ts'

const keys = fc.oneof(fc.string(), fc.double())

it('a key has one existing partition', () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 4096 }), (key, partitions) => {
      const partition = partitionOf(key, partitions)
      expect(partition).toBe(partitionOf(key, partitions))
      expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true)
    }),
  )
})

it.each([
  ['numbers', (index: number) => index],
  ['names', (index: number) => `user-${index}`],
])('%s that count up spread evenly', (_, key) => {
  const counts = Array.from({ length: 8 }, () => 0)
  for (let index = 0; index < 8_000; index += 1) {
    const partition = partitionOf(key(index), 8)
    counts[partition] = (counts[partition] ?? 0) + 1
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150)
})
