/** What every driver of queues must do with jobs of one key. A driver's own test file calls {@link testKeys}. */
import { describe, expect, it } from 'vitest'
import { jobOf } from './job-of.ts'
import type { Delivery } from '../driver/driver.ts'
import type { DriverStore } from './driver-contract.ts'

const queue = 'app:mail'
const second = 1_000
const manyJobs = 1_000_000
const reservation = { limit: 10, ackWait: 10 * second, maxAttempts: 3, perKey: 1 }
const failure = { attempt: 1, at: 0, kind: 'Unknown', message: 'it broke' }

/** @param make - Makes an empty store. */
export function testKeys(name: string, make: () => Promise<DriverStore>): void {
  async function setUp(...jobs: readonly Parameters<typeof jobOf>[]) {
    const stack = new AsyncDisposableStack()
    const store = stack.use(await make())
    const driver = stack.use(await store.open())
    for (const job of jobs) await driver.publish(jobOf(...job), manyJobs)
    const take = async (...ids: readonly string[]): Promise<readonly [Delivery, ...Delivery[]]> => {
      const [first, ...more] = await driver.reserve(queue, reservation)
      if (first === undefined) throw new Error('no job is ready')
      expect([first, ...more].map(({ id }) => id)).toEqual(ids)
      return [first, ...more]
    }
    return { store, driver, take, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
  }
  const [a, b] = [{ key: 'a' }, { key: 'b' }]

  describe(`${name}: jobs of one key, one at a time`, () => {
    it('run in their order, also when one fails, while others run', async () => {
      await using at = await setUp(['a1', a], ['a2', a], ['b1', b], ['b2', b], ['free'])
      const [a1, b1] = await at.take('a1', 'b1', 'free')
      await at.driver.retry(a1, failure, second)
      if (b1 !== undefined) await at.driver.acknowledge(b1, undefined, 0)
      await at.take('b2')
      await at.store.pass(second)
      const [again] = await at.take('a1')
      expect(again.attempt).toBe(2)
      await at.driver.bury(again, failure)
      await at.take('a2')
    })

    // https://github.com/timgit/pg-boss/issues/535: one that is tried again, and new ones, in one reservation.
    it('are taken one at a time when one of them is tried again and others are new', async () => {
      await using at = await setUp(['a1', a], ['a2', a])
      const [a1] = await at.take('a1')
      await at.driver.retry(a1, failure, 0)
      await at.driver.publish(jobOf('a3', { ...a, priority: 9 }), manyJobs)
      const [again] = await at.take('a1')
      await at.driver.acknowledge(again, undefined, 0)
      const [a3] = await at.take('a3')
      expect(await at.driver.acknowledge(a3, undefined, 0)).toBe(true)
      await at.take('a2')
    })

    // https://github.com/timgit/pg-boss/issues/492: several that expire together.
    it('are taken again when several of a key expire together', async () => {
      await using at = await setUp(['a1', a], ['a2', a], ['a3', a])
      const two = { ...reservation, perKey: 2 }
      expect(await at.driver.reserve(queue, two)).toHaveLength(2)
      await at.store.pass(reservation.ackWait)
      const again = await at.driver.reserve(queue, two)
      expect(again.map(({ id, attempt }) => [id, attempt])).toEqual([
        ['a1', 2],
        ['a2', 2],
      ])
    })

    it('stay in their order when the consumer hangs, or gives one back', async () => {
      await using at = await setUp(['a1', a], ['a2', a])
      await at.take('a1')
      await at.store.pass(reservation.ackWait)
      const [again] = await at.take('a1')
      await at.driver.release(again, 0)
      expect(await at.take('a1')).toMatchObject([{ attempt: 2 }])
    })
  })
}
