/** Faults of other queues that no driver may have. A driver's own test file calls {@link testReported}. */
import { describe, expect, it } from 'vitest'
import { jobOf } from './job-of.ts'
import type { Delivery, QueueDriver } from '../driver/driver.ts'
import type { DriverStore } from './driver-contract.ts'

const queue = 'app:mail'
const second = 1_000
const manyJobs = 1_000_000
const reservation = { limit: 10, ackWait: 10 * second, maxAttempts: 3 }
const failure = { attempt: 1, at: 0, kind: 'Unknown', message: 'it broke' }

async function takeOne(driver: QueueDriver): Promise<Delivery> {
  const [delivery] = await driver.reserve(queue, { ...reservation, limit: 1 })
  if (delivery === undefined) throw new Error('no job is ready')
  return delivery
}

/** @param make - Makes an empty store. */
export function testReported(name: string, make: () => Promise<DriverStore>): void {
  async function setUp() {
    const stack = new AsyncDisposableStack()
    const store = stack.use(await make())
    const driver = stack.use(await store.open())
    return { store, driver, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
  }

  describe(`${name}: what was reported of other queues`, () => {
    // https://github.com/sidekiq/sidekiq/issues/4115
    it('one that was given back when its program stopped, and fails then, is kept once', async () => {
      await using at = await setUp()
      await at.driver.publish(jobOf('a'), manyJobs)
      const job = await takeOne(at.driver)
      const both = [at.driver.release(job, 0), at.driver.retry(job, failure, 0)]
      expect(await Promise.all(both)).toEqual([true, false])
      expect(await at.driver.counts(queue)).toEqual({ delayed: 0, waiting: 1, running: 0, done: 0, dead: 0 })
      expect(await takeOne(at.driver)).toMatchObject({ attempt: 1 })
    })

    // https://github.com/taskforcesh/bullmq/issues/2534
    it('a job that is published with its own id and a delay when it is done is due, each time', async () => {
      await using at = await setUp()
      for (let round = 0; round < 5; round += 1) {
        const due = at.store.now() + second
        expect(await at.driver.publish(jobOf('a', { due }), manyJobs)).toMatchObject({ isDuplicate: false })
        expect(await at.driver.reserve(queue, reservation)).toEqual([])
        expect(await at.driver.nextDue(queue)).toBe(due)
        await at.store.pass(second)
        expect(await at.driver.acknowledge(await takeOne(at.driver), undefined, 0)).toBe(true)
      }
      expect(await at.driver.nextDue(queue)).toBeUndefined()
    })

    // https://github.com/taskforcesh/bullmq/issues/168
    it('a job that is delayed at a restart is due when it was to be', async () => {
      await using store = await make()
      const due = store.now() + 5 * second
      {
        await using driver = await store.open()
        await driver.publish(jobOf('a', { due }), manyJobs)
      }
      await using driver = await store.open()
      expect(await driver.reserve(queue, reservation)).toEqual([])
      expect(await driver.nextDue(queue)).toBe(due)
      await store.pass(5 * second)
      expect(await driver.reserve(queue, reservation)).toMatchObject([{ id: 'a' }])
    })
  })
}
