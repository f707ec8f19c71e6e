import { expect, it } from 'vitest'
import { RowLimit } from './row-limit.ts'

/** What is observed of threads with so many processes. */
function observed(limit: RowLimit, sizes: readonly number[]): readonly number[] {
  const most = limit.of(sizes.length)
  const counts = sizes.map((size) => Math.min(size, most))
  limit.observed(counts.flatMap((count, thread) => Array.from({ length: count }, () => ({ thread }))))
  return counts
}

it('the limit is for the processes of all threads together: large threads get what small ones do not use', () => {
  const limit = new RowLimit(100)
  expect(observed(limit, [90, 5])).toEqual([50, 5])
  expect(observed(limit, [90, 5])).toEqual([90, 5])
  expect(observed(limit, [200, 5])).toEqual([95, 5])
  expect(observed(limit, [200, 5])).toEqual([95, 5])
  // Both grow: they share from the next time on.
  expect(observed(limit, [200, 200])).toEqual([95, 95])
  for (const _ of [1, 2]) expect(observed(limit, [200, 200])).toEqual([50, 50])
})

it('is shared by more threads', () => {
  const limit = new RowLimit(100)
  const sizes = Array.from({ length: 40 }, () => 100)
  for (const _ of [1, 2]) expect(new Set(observed(limit, sizes))).toEqual(new Set([3]))
})
