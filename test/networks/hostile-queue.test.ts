/** Whatever a program does, each item of a hostile queue goes through its own network, or its sender gets an error. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { actors, edges, HostileQueue, networks, places, receivers, type Step } from './hostile-queue.ts'

let queue: HostileQueue
beforeAll(async () => {
  queue = await HostileQueue.start()
})
afterAll(async () => queue[Symbol.asyncDispose]())

const send: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('send' as const),
  edge: fc.constantFrom(...edges),
  actor: fc.constantFrom(...actors),
  network: fc.constantFrom(...networks),
  other: fc.constantFrom(...receivers),
  count: fc.integer({ min: 1, max: 3 }),
})
const change: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('swap' as const, 'cut' as const),
  overlay: fc.constantFrom('left' as const, 'right' as const),
  to: fc.constantFrom(...places),
})
const program = fc.array(fc.oneof({ arbitrary: send, weight: 6 }, { arbitrary: change, weight: 2 }), {
  minLength: 1,
  maxLength: 16,
})

it('each item arrives in its own network, or its sender gets an error', async () => {
  await fc.assert(
    fc.asyncProperty(program, async (steps) => {
      expect(await queue.run(steps)).toEqual([])
    }),
    { numRuns: 12, endOnFailure: true },
  )
}, 600_000)
