import { describe, expect, it } from 'vitest'
import { yielding } from './yielding.ts'

/** Runs a chain of promises until the event loop has turned; returns the number of steps. */
async function untilTurn(step: () => Promise<unknown>): Promise<number> {
  const turned = { yet: false }
  setImmediate(() => {
    turned.yet = true
  })
  let steps = 0
  const start = performance.now()
  while (!turned.yet && performance.now() - start < 20_000) {
    await step()
    steps += 1
  }
  expect(turned.yet).toBe(true)
  return steps
}

describe('yielding', () => {
  it('lets the event loop run between fast steps, and between slow ones', async () => {
    expect(await untilTurn(async () => yielding(Promise.resolve()))).toBeGreaterThan(10)
    const slow = await untilTurn(async () => {
      const end = performance.now() + 5
      while (performance.now() < end) {
        // Busy.
      }
      return yielding(Promise.resolve())
    })
    // Work that ran fast before is checked seldom; the next check notices the change.
    expect(slow).toBeLessThan(70)
  })

  it('settles as the promise does, also on rejection', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 20_000 }, async (_, i) =>
        yielding(i % 2 === 0 ? Promise.resolve(i) : Promise.reject(new Error('no'))),
      ),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10_000)
  })
})
