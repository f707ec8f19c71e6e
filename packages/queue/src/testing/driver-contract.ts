/** What every driver of queues must do. A driver's own test file calls {@link testDriver}. */
import { describe, expect, it } from 'vitest'
import { jobOf } from './job-of.ts'
import type { Delivery, JobError, NewJob, QueueDriver, Reservation } from '../driver/driver.ts'

/** A store of jobs for one test. */
export interface DriverStore extends AsyncDisposable {
  /** Opens it; also again, once the driver from before was disposed of or its program has ended. */
  open(): Promise<QueueDriver>
  /** Lets time pass, as the store measures it. Milliseconds. */
  pass(ms: number): Promise<void>
  /** Milliseconds since 1970. */
  now(): number
}

const queue = 'app:mail'
const second = 1_000
const hour = 3_600_000
const manyJobs = 1_000_000
const reservation: Reservation = { limit: 10, ackWait: 10 * second, maxAttempts: 3 }

const idsOf = (jobs: readonly { readonly id: string }[]) => jobs.map(({ id }) => id)

function failure(attempt: number, message = 'it broke'): JobError {
  return { attempt, at: 0, kind: 'Unknown', message }
}

/** @param make - Makes an empty store. */
export function testDriver(name: string, make: () => Promise<DriverStore>): void {
  async function setUp() {
    const stack = new AsyncDisposableStack()
    const store = stack.use(await make())
    const driver = stack.use(await store.open())
    const publish = async (...jobs: readonly NewJob[]) => {
      for (const job of jobs) await driver.publish(job, manyJobs)
    }
    const take = async (fields: Partial<Reservation> = {}) => driver.reserve(queue, { ...reservation, ...fields })
    const takeOne = async (): Promise<Delivery> => {
      const [delivery] = await take({ limit: 1 })
      if (delivery === undefined) throw new Error('no job is ready')
      return delivery
    }
    return { store, driver, publish, take, takeOne, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
  }

  describe(`${name}: taking jobs`, () => {
    it('gives each job to one consumer, the highest priority first, then in their order', async () => {
      await using at = await setUp()
      await at.publish(
        jobOf('a'),
        jobOf('b', { priority: 5 }),
        jobOf('c', { priority: 9 }),
        jobOf('d', { priority: 5 }),
      )
      const jobs = [...(await at.take({ limit: 3 })), ...(await at.take())]
      expect(idsOf(jobs)).toEqual(['c', 'b', 'd', 'a'])
      expect(jobs.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1])
      expect(jobs.map(({ body }) => new TextDecoder().decode(body))).toContain('body of a')
      expect(await at.take()).toEqual([])
    })

    it('keeps queues apart', async () => {
      await using at = await setUp()
      await at.publish(jobOf('a'), jobOf('a', { queue: 'app:other' }))
      const [other] = await at.driver.reserve('app:other', reservation)
      expect(other).toMatchObject({ queue: 'app:other', id: 'a' })
      expect(idsOf(await at.take())).toEqual(['a'])
    })

    it('keeps a job back until it is due', async () => {
      await using at = await setUp()
      const due = at.store.now() + 5 * second
      await at.publish(jobOf('a', { due }), jobOf('b'))
      expect(idsOf(await at.take({ limit: 1 }))).toEqual(['b'])
      expect(await at.take()).toEqual([])
      expect(await at.driver.counts(queue)).toEqual({ delayed: 1, waiting: 0, running: 1, done: 0, dead: 0 })
      expect(await at.driver.nextDue(queue)).toBe(due)
      await at.store.pass(5 * second)
      expect(idsOf(await at.take())).toEqual(['a'])
    })

    it('runs no more jobs of a key at a time than it may', async () => {
      await using at = await setUp()
      const [ann, bob] = [{ key: 'ann' }, { key: 'bob' }]
      await at.publish(jobOf('a', ann), jobOf('b', ann), jobOf('c', bob), jobOf('d'), jobOf('e'))
      const jobs = await at.take({ perKey: 1 })
      expect(idsOf(jobs)).toEqual(['a', 'c', 'd', 'e'])
      expect(await at.take({ perKey: 1 })).toEqual([])
      for (const job of jobs.slice(0, 1)) await at.driver.acknowledge(job, undefined, 0)
      expect(idsOf(await at.take({ perKey: 1 }))).toEqual(['b'])
    })

    it('says when jobs may be ready', async () => {
      await using at = await setUp()
      const { promise, resolve } = Promise.withResolvers<void>()
      using _listening = at.driver.onReady(queue, resolve)
      await at.publish(jobOf('a'))
      await promise
      expect(idsOf(await at.take())).toEqual(['a'])
    })
  })

  describe(`${name}: ids`, () => {
    it('keeps no second job with the id of one that waits, runs, is dead, or whose result is kept', async () => {
      await using at = await setUp()
      const publish = async () => (await at.driver.publish(jobOf('a'), manyJobs)).isDuplicate
      expect(await publish()).toBe(false)
      expect(await publish()).toBe(true)
      const first = await at.takeOne()
      expect(await publish()).toBe(true)
      await at.driver.bury(first, failure(1))
      expect(await publish()).toBe(true)
      await at.driver.replay(queue, 'a')
      await at.driver.acknowledge(await at.takeOne(), undefined, hour)
      expect(await publish()).toBe(true)
      await at.store.pass(hour)
      expect(await publish()).toBe(false)
      await at.driver.acknowledge(await at.takeOne(), undefined, 0)
      expect(await publish()).toBe(false)
      expect(await at.driver.publish(jobOf('a', { queue: 'app:other' }), manyJobs)).toMatchObject({
        isDuplicate: false,
      })
    })

    it('keeps no second job of two that are published together', async () => {
      await using at = await setUp()
      const both = await Promise.all([jobOf('a'), jobOf('a')].map(async (job) => at.driver.publish(job, manyJobs)))
      expect(both.filter(({ isDuplicate }) => isDuplicate)).toHaveLength(1)
      expect(await at.driver.counts(queue)).toMatchObject({ waiting: 1 })
    })

    it('keeps no more jobs than the queue may hold, until some are done or dropped', async () => {
      await using at = await setUp()
      const publish = async (id: string) => at.driver.publish(jobOf(id), 2)
      const full = { kind: 'Unavailable', retryable: true }
      await publish('a')
      await publish('b')
      await expect(publish('c')).rejects.toMatchObject(full)
      await expect(publish('a')).resolves.toMatchObject({ isDuplicate: true })
      await at.driver.acknowledge(await at.takeOne(), undefined, hour)
      await publish('c')
      await at.driver.bury(await at.takeOne(), failure(1))
      await expect(publish('d')).rejects.toMatchObject(full)
      await at.driver.drop(queue, 'b')
      await publish('d')
    })
  })

  describe(`${name}: outcomes`, () => {
    it('keeps the progress and the result of a job that is done, as long as it is to', async () => {
      await using at = await setUp()
      await at.publish(jobOf('a'))
      const job = await at.takeOne()
      expect(await at.driver.progress(job, Uint8Array.of(50), 10 * second)).toBe(true)
      expect(await at.driver.job(queue, 'a')).toMatchObject({ state: 'running', progress: Uint8Array.of(50) })
      expect(await at.driver.acknowledge(job, Uint8Array.of(1, 2), hour)).toBe(true)
      expect(await at.driver.job(queue, 'a')).toMatchObject({ state: 'done', attempts: 1, result: Uint8Array.of(1, 2) })
      expect(await at.driver.acknowledge(job, undefined, hour)).toBe(false)
      await at.store.pass(hour)
      expect(await at.driver.job(queue, 'a')).toBeUndefined()
      expect(await at.driver.counts(queue)).toMatchObject({ done: 0 })
    })

    it('gives a failed job again, after the delay, with its errors', async () => {
      await using at = await setUp()
      await at.publish(jobOf('a'))
      expect(await at.driver.retry(await at.takeOne(), failure(1, 'first'), 2 * second)).toBe(true)
      expect(await at.take()).toEqual([])
      await at.store.pass(2 * second)
      const again = await at.takeOne()
      expect(again.attempt).toBe(2)
      await at.driver.retry(again, failure(2, 'second'), 0)
      const { errors } = (await at.driver.job(queue, 'a')) ?? {}
      expect(errors?.map(({ message }) => message)).toEqual(['first', 'second'])
      expect((await at.takeOne()).attempt).toBe(3)
    })

    it('keeps dead jobs, which can be listed, replayed and dropped, while their neighbours go on', async () => {
      await using at = await setUp()
      await at.publish(jobOf('a'), jobOf('b'), jobOf('c'), jobOf('d'))
      for (const job of await at.take({ limit: 3 })) await at.driver.bury(job, failure(1, `${job.id} broke`))
      expect(idsOf(await at.take())).toEqual(['d'])
      const [first] = await at.driver.dead(queue, 1)
      expect(first).toMatchObject({ id: 'a', state: 'dead', errors: [{ message: 'a broke' }] })
      expect(new TextDecoder().decode(first?.body)).toBe('body of a')
      expect(idsOf(await at.driver.dead(queue, 10, 'a'))).toEqual(['b', 'c'])
      await expect(at.driver.dead(queue, 10, 'none')).rejects.toMatchObject({ kind: 'NotFound' })
      expect(await at.driver.drop(queue, 'a')).toBe(true)
      expect(await at.driver.drop(queue, 'a')).toBe(false)
      expect(await at.driver.drop(queue, 'd')).toBe(false)
      expect(await at.driver.replay(queue, 'b')).toBe(true)
      expect(await at.driver.replay(queue, 'b')).toBe(false)
      expect(idsOf(await at.driver.dead(queue, 10))).toEqual(['c'])
      expect(await at.takeOne()).toMatchObject({ id: 'b', attempt: 1 })
    })

    it('counts no attempt that was given back', async () => {
      await using at = await setUp()
      await at.publish(jobOf('a'))
      expect(await at.driver.release(await at.takeOne(), 0)).toBe(true)
      const again = await at.takeOne()
      expect(again.attempt).toBe(1)
      await at.driver.release(again, second)
      expect(await at.take()).toEqual([])
      await at.store.pass(second)
      expect(await at.takeOne()).toMatchObject({ attempt: 1 })
    })
  })

  describe(`${name}: consumers that do not finish`, () => {
    it('gives the job to another, and refuses every late outcome', async () => {
      await using at = await setUp()
      await at.publish(jobOf('a'))
      const hung = await at.takeOne()
      expect(await at.driver.nextDue(queue)).toBe(at.store.now() + reservation.ackWait)
      await at.store.pass(9 * second)
      expect(await at.take()).toEqual([])
      await at.store.pass(second)
      expect(await at.driver.acknowledge(hung, undefined, hour)).toBe(false)
      const other = await at.takeOne()
      expect(other).toMatchObject({ id: 'a', attempt: 2 })
      for (const late of [
        at.driver.acknowledge(hung, Uint8Array.of(1), hour),
        at.driver.retry(hung, failure(1), 0),
        at.driver.bury(hung, failure(1)),
        at.driver.release(hung, 0),
        at.driver.progress(hung, Uint8Array.of(1), hour),
      ])
        expect(await late).toBe(false)
      expect(await at.driver.job(queue, 'a')).toMatchObject({ state: 'running', attempts: 2, progress: undefined })
      expect(await at.driver.acknowledge(other, Uint8Array.of(2), hour)).toBe(true)
      expect(await at.driver.job(queue, 'a')).toMatchObject({ state: 'done', result: Uint8Array.of(2) })
    })

    it('lets one that reports progress, or waits for a thread, go on', async () => {
      await using at = await setUp()
      await at.publish(jobOf('a'))
      const job = await at.takeOne()
      await at.store.pass(9 * second)
      expect(await at.driver.progress(job, Uint8Array.of(1), 10 * second)).toBe(true)
      await at.store.pass(9 * second)
      expect(await at.driver.extend(job, 10 * second)).toBe(true)
      await at.store.pass(9 * second)
      expect(await at.take()).toEqual([])
      expect(await at.driver.acknowledge(job, undefined, 0)).toBe(true)
    })

    it('ends in the dead-letter list after the last attempt', async () => {
      await using at = await setUp()
      await at.publish(jobOf('a'), jobOf('b', { due: at.store.now() + 30 * second }))
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        expect(await at.takeOne()).toMatchObject({ id: 'a', attempt })
        await at.store.pass(10 * second)
      }
      expect(idsOf(await at.take())).toEqual(['b'])
      const [dead] = await at.driver.dead(queue, 10)
      expect(dead).toMatchObject({ id: 'a', attempts: 3 })
      expect(dead?.errors.map(({ kind, attempt }) => [kind, attempt])).toEqual(
        [1, 2, 3].map((each) => ['Timeout', each]),
      )
    })
  })

  describe(`${name}: the next run`, () => {
    it('finds all that was kept, and takes back what ran', async () => {
      await using store = await make()
      {
        await using driver = await store.open()
        for (const id of ['a', 'b', 'c', 'd']) await driver.publish(jobOf(id, { priority: 1 }), manyJobs)
        const [a, b, c] = await driver.reserve(queue, { ...reservation, limit: 3 })
        if (a === undefined || b === undefined || c === undefined) throw new Error('no job is ready')
        await driver.acknowledge(a, Uint8Array.of(1), hour)
        await driver.bury(b, failure(1))
      }
      await using driver = await store.open()
      expect(await driver.counts(queue)).toMatchObject({ done: 1, dead: 1, waiting: 1 })
      await store.pass(reservation.ackWait)
      const jobs = await driver.reserve(queue, reservation)
      expect(jobs.map(({ id, attempt }) => [id, attempt])).toEqual([
        ['c', 2],
        ['d', 1],
      ])
    })

    it('knows the schema that it was given before', async () => {
      await using store = await make()
      {
        await using driver = await store.open()
        expect(await driver.schema(queue, 'one')).toBeUndefined()
        expect(await driver.schema(queue, 'two')).toBe('one')
      }
      await using driver = await store.open()
      expect(await driver.schema(queue, 'two')).toBe('two')
      expect(await driver.schema('app:other', 'x')).toBeUndefined()
    })
  })
}
