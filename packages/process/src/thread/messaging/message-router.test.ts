/**
 * Messages between threads in any order in which their batches may move: nothing is lost, nothing is reported twice,
 * the order of a sender is kept, and a mailbox never accepts more than its capacity.
 */
import type { Pid } from '@troupe/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Scene, turn } from '../../testing/router-scene.ts'

const topic = fc.constantFrom('a', 'b')
const at = fc.nat({ max: 30 })
const common = [
  { weight: 8, arbitrary: fc.record({ do: fc.constant('send' as const), at, topic }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('trySend' as const), at, topic }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('forth' as const), at }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('back' as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
]
const taking = { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const) }) }
const killing = { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), at }) }
const choosing = {
  weight: 5,
  arbitrary: fc.record({ do: fc.constantFrom('select' as const, 'open' as const, 'shut' as const), topic }),
}

type Step =
  | { do: 'send' | 'trySend'; at: number; topic: string }
  | { do: 'forth' | 'back' | 'kill'; at: number }
  | { do: 'turn' | 'settle' | 'take' }
  | { do: 'select' | 'open' | 'shut'; topic: string }

async function play(scene: Scene, steps: readonly Step[], check: () => void): Promise<void> {
  for (const step of steps) {
    if (step.do === 'send' || step.do === 'trySend') scene.send(step.at, step.topic, step.do === 'trySend')
    else if (step.do === 'forth' || step.do === 'back') scene.move(step.at, step.do === 'forth')
    else if (step.do === 'kill') scene.kill(step.at)
    else if (step.do === 'turn') await turn()
    else if (step.do === 'settle') await scene.settle()
    else if (step.do === 'take') scene.take(undefined)
    else if (step.do === 'select') scene.take(step.topic)
    else if ('topic' in step) scene.home.process.mailbox[step.do](step.topic)
    await Promise.resolve()
    check()
  }
}

/** Expects each message to have one outcome: taken, refused to its sender, or reported as lost. */
function expectOneFate(scene: Scene): void {
  expect(scene.sent.filter(({ how }) => how === 'waits')).toEqual([])
  const numbers = scene.taken.map(({ payload }) => Number(payload))
  expect(new Set(numbers).size).toBe(numbers.length)
  for (const { process } of scene.senders) {
    if (scene.isGone(process.pid)) continue
    for (const topic of ['a', 'b']) {
      const of = (each: { readonly from: Pid; readonly topic: string }) =>
        each.from === process.pid && each.topic === topic
      const accepted = scene.sent.filter((sent) => of(sent) && sent.how === 'accepted').length
      const taken = scene.taken.filter(of).length
      expect([taken + scene.dead.filter(of).length, process.pid, topic]).toEqual([accepted, process.pid, topic])
    }
  }
}

function expectInOrder(scene: Scene): void {
  for (const { process } of scene.senders) {
    for (const topic of ['a', 'b']) {
      const numbers = scene.taken
        .filter((envelope) => envelope.from === process.pid && envelope.topic === topic)
        .map(({ payload }) => Number(payload))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  }
}

const capacity = fc.integer({ min: 1, max: 12 })
const threads = fc.integer({ min: 2, max: 5 })

async function inScene(capacity: number, threads: number, run: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = new Scene(capacity, threads)
  try {
    await run(scene)
  } finally {
    scene.close()
  }
}

/** Takes messages until no more arrive. */
async function drain(scene: Scene): Promise<void> {
  for (const topic of ['a', 'b']) scene.home.process.mailbox.shut(topic)
  for (let rest = 3; rest > 0; rest -= 1) {
    await scene.settle()
    while (scene.take(undefined)) rest = 3
    // Accumulated room is given out after some milliseconds.
    if (rest === 3 || scene.sent.some(({ how }) => how === 'waits'))
      await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

it('the scene delivers messages', async () => {
  await inScene(4, 2, async (scene) => {
    for (const at of [0, 1, 2]) scene.send(at, 'a', false)
    await scene.settle()
    expect(scene.sent.map(({ how }) => how)).toEqual(['accepted', 'accepted', 'accepted'])
  })
})

describe('a mailbox and the threads that send to it', () => {
  it('never accepts more than its capacity, and delivers all in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        capacity,
        threads,
        fc.array(fc.oneof(...common, taking, killing), { maxLength: 120, size: 'max' }),
        async (capacity, threads, steps) =>
          inScene(capacity, threads, async (scene) => {
            await play(scene, steps, () => {
              expect(scene.kept(false)).toBeLessThanOrEqual(capacity)
            })
            await scene.settle()
            expect(scene.kept(true)).toBeLessThanOrEqual(capacity)
            await drain(scene)
            expectOneFate(scene)
            expectInOrder(scene)
            expect(scene.home.process.mailbox.free).toBe(capacity - scene.home.process.mailbox.reserved)
            expect(scene.home.process.mailbox.reserved).toBeLessThanOrEqual(capacity / 2)
          }),
      ),
      { numRuns: 60 },
    )
  })

  it('loses nothing with selective receives and mailboxes of topics', async () => {
    await fc.assert(
      fc.asyncProperty(
        capacity,
        threads,
        fc.array(fc.oneof(...common, taking, choosing, killing), { maxLength: 120, size: 'max' }),
        async (capacity, threads, steps) =>
          inScene(capacity, threads, async (scene) => {
            await play(scene, steps, () => undefined)
            await drain(scene)
            expectOneFate(scene)
          }),
      ),
      { numRuns: 60 },
    )
  })

  it('has one result for each message when the receiver ends', async () => {
    const steps = fc.array(fc.oneof(...common, taking, choosing), { maxLength: 60, size: 'max' })
    await fc.assert(
      fc.asyncProperty(
        capacity,
        threads,
        steps,
        fc.array(fc.oneof(...common), { maxLength: 30 }),
        async (capacity, threads, before, after) =>
          inScene(capacity, threads, async (scene) => {
            await play(scene, before, () => undefined)
            scene.end()
            await play(scene, after, () => undefined)
            await scene.settle()
            expectOneFate(scene)
          }),
      ),
      { numRuns: 60 },
    )
  })

  it('gives all of its room to the sending threads, though others keep some reserved', async () => {
    for (const capacity of [1, 2, 5, 64]) {
      await inScene(capacity, 4, async (scene) => {
        for (const at of [1, 2, 3]) {
          scene.send(at, 'a', false)
          await scene.settle()
          scene.take(undefined)
          await scene.settle()
        }
        for (let n = 0; n < 2 * capacity; n += 1) scene.send(4, 'a', false)
        await scene.settle()
        await new Promise((resolve) => setTimeout(resolve, 25))
        await scene.settle()
        expect(scene.kept(true)).toBe(capacity)
      })
    }
  })
})
