import { describe, expect, it } from 'vitest'
import { processes, queues, security } from '../index.ts'
import { consumer, folder, mail, startQueues } from './fixtures/start-queues.ts'

const queue = 'app:mail'
/** The first job starts a thread, on a busy machine. */
const patient = { timeout: 120_000 }

describe('a queue', () => {
  it('runs jobs for the actor that published them, and keeps their results', async () => {
    using place = folder()
    await using at = await startQueues(place.path, mail, consumer())
    await using ear = await at.app.probe({ name: 'ear' })
    await ear.run(async () => {
      await processes
        .withActor(security.newActor('ann'))
        .exec('app:publisher', 'app:host', queue, { to: 'bob' }, 'first')
      expect(await queues.publish(queue, 'again', { id: 'first' })).toEqual({ id: 'first', isDuplicate: true })
    })
    const message = await ear.next(patient)
    expect(message.payload).toEqual({
      payload: { to: 'bob' },
      job: { queue, id: 'first', key: undefined, attempt: 1 },
      actor: 'ann',
    })
    message.reply({ sent: 1 })
    expect(await at.done('first')).toMatchObject({ state: 'done', attempts: 1, result: { sent: 1 }, errors: [] })
    expect(await ear.run(async () => queues.counts(queue))).toMatchObject({ done: 1, waiting: 0, running: 0 })
  })

  it('runs the highest priority first, and what is delayed when it is due', async () => {
    using place = folder()
    await using at = await startQueues(place.path, mail, consumer())
    await using ear = await at.app.probe({ name: 'ear' })
    await ear.run(async () => {
      await queues.publish(queue, 'first', { id: 'first' })
      const running = await ear.next(patient)
      await queues.publish(queue, 'late', { delay: '1m', priority: 9 })
      await queues.publish(queue, 'low', { id: 'low', priority: 1 })
      await queues.publish(queue, 'high', { id: 'high', priority: 8 })
      running.reply()
      for (const payload of ['high', 'low']) {
        const message = await ear.next(patient)
        expect(message.payload).toMatchObject({ payload })
        message.reply()
        // Otherwise its ack_wait passes with the clock, and it is run again.
        await at.done(payload)
      }
      await at.done('first')
      await at.app.clock.advance('1m')
      const message = await ear.next(patient)
      expect(message.payload).toMatchObject({ payload: 'late' })
      message.reply()
    })
  })

  it('runs as many jobs at a time as it may, and of one key', async () => {
    using place = folder()
    await using at = await startQueues(place.path, mail, consumer({ concurrency: 3, per_key: 1 }))
    await using ear = await at.app.probe({ name: 'ear' })
    await ear.run(async () => {
      for (const [id, key] of ['a', 'b', 'c'].flatMap((name) => [
        [`${name}1`, name],
        [`${name}2`, name],
      ]))
        await queues.publish(queue, id, { ...(id && { id }), ...(key && { key }) })
      const first = [await ear.next(patient), await ear.next(patient), await ear.next(patient)]
      const payloads = first.map(({ payload }) => (payload as { payload: string }).payload)
      expect(payloads.toSorted()).toEqual(['a1', 'b1', 'c1'])
      expect(await queues.counts(queue)).toMatchObject({ running: 3, waiting: 3 })
      for (const [index, message] of first.entries()) {
        message.reply()
        const next = await ear.next(patient)
        expect(next.payload).toMatchObject({ payload: payloads[index]?.replace('1', '2') })
        next.reply()
      }
    })
  })
})

describe('a job that fails', () => {
  it('runs again after growing delays, and ends in the dead-letter list, while its neighbours go on', async () => {
    using place = folder()
    const backoff = { initial: '10s', jitter: 0 }
    await using at = await startQueues(place.path, mail, consumer({ func: 'fail', max_attempts: 3, backoff }))
    await at.app.run(async () => queues.publish(queue, 'bad', { id: 'poison' }))
    await at.said(
      'job "poison" of app:mail failed (attempt 1 of 3), and runs again in 10000 ms: Unknown: cannot do bad',
    )
    await at.app.run(async () => queues.publish(queue, 'good', { id: 'neighbour' }))
    expect(await at.done('neighbour')).toMatchObject({ result: 'good' })
    await at.app.clock.advance('10s')
    await at.said('(attempt 2 of 3), and runs again in 20000 ms')
    await at.app.clock.advance('20s')
    await at.said('job "poison" of app:mail is dead after 3 attempts: Unknown: cannot do bad')
    await at.app.run(async () => {
      const [dead, ...none] = await queues.dead(queue)
      expect(none).toEqual([])
      expect(dead).toMatchObject({ id: 'poison', state: 'dead', payload: 'bad', attempts: 3 })
      expect(dead?.errors.map(({ message, attempt }) => [attempt, message])).toEqual(
        [1, 2, 3].map((attempt) => [attempt, 'cannot do bad']),
      )
      expect(await queues.replay(queue, 'poison')).toBe(true)
    })
    await at.app.clock.advance('10s')
    await at.app.run(async () => {
      expect(await queues.drop(queue, 'poison')).toBe(false)
      expect(await queues.job(queue, 'poison')).toMatchObject({ payload: 'bad' })
    })
  })

  it('is dead at once when its error is final', async () => {
    using place = folder()
    await using at = await startQueues(place.path, mail, consumer({ func: 'refuse' }), {
      ...{ id: 'app:refuse', kind: 'function.ts', source: 'file://refuse.ts', method: 'refuse' },
    })
    await at.app.run(async () => queues.publish(queue, 1, { id: 'no' }))
    await at.said('job "no" of app:mail is dead after 1 attempts: Invalid: not like this')
    expect(await at.app.run(async () => queues.drop(queue, 'no'))).toBe(true)
  })
})

describe('a consumer', () => {
  it('that hangs loses its job to another attempt, and its late result is refused', async () => {
    using place = folder()
    await using at = await startQueues(place.path, mail, consumer({ ack_wait: '10s', concurrency: 2 }))
    await using ear = await at.app.probe({ name: 'ear' })
    await ear.run(async () => {
      await queues.publish(queue, 1, { id: 'hung' })
      const hung = await ear.next(patient)
      await at.app.clock.advance('10s')
      await at.said('loses job "hung"')
      const again = await ear.next(patient)
      expect(again.payload).toMatchObject({ job: { id: 'hung', attempt: 2 } })
      hung.reply('late')
      again.reply('in time')
    })
    expect(await at.done('hung')).toMatchObject({ result: 'in time', attempts: 2, errors: [{ kind: 'Timeout' }] })
  })

  it('keeps a job as long as it reports progress', async () => {
    using place = folder()
    await using at = await startQueues(place.path, mail, consumer({ func: 'report', ack_wait: '10s' }))
    await using ear = await at.app.probe({ name: 'ear' })
    await ear.run(async () => {
      await queues.publish(queue, 1, { id: 'long' })
      for (let step = 1; step <= 4; step += 1) {
        const message = await ear.next(patient)
        expect(message.payload).toBe(step)
        if (step > 1)
          expect(await queues.job(queue, 'long')).toMatchObject({ state: 'running', progress: { step: step - 1 } })
        await at.app.clock.advance('9s')
        message.reply()
      }
      const forged = { queue: 'app:mail', id: 'long', receipt: 'guessed' } as Parameters<typeof queues.progress>[0]
      expect(await queues.progress(forged, 1)).toBe(false)
      expect(await queues.job(queue, 'long')).toMatchObject({ attempts: 1 })
    })
  })

  it('keeps a job that waits for a thread, and counts no attempt for that', async () => {
    using place = folder()
    const one = { id: 'app:one', kind: 'function.ts', source: 'file://jobs.ts', method: 'report', pool: { max: 1 } }
    const two = consumer({ func: 'one', ack_wait: '20s', concurrency: 2 })
    await using at = await startQueues(place.path, mail, one, two)
    await using ear = await at.app.probe({ name: 'ear' })
    await ear.run(async () => {
      await queues.publish(queue, 1, { id: 'runs' })
      await queues.publish(queue, 2, { id: 'waits' })
      for (let step = 1; step <= 10; step += 1) {
        const message = await ear.next(patient)
        await at.app.clock.advance('5s')
        message.reply()
      }
      await ear.next(patient)
      for (const id of ['runs', 'waits'])
        expect(await queues.job(queue, id)).toMatchObject({ state: 'running', attempts: 1, errors: [] })
    })
  })

  it('lets its jobs end when it stops, and takes no more', async () => {
    using place = folder()
    await using at = await startQueues(place.path, mail, consumer())
    await using ear = await at.app.probe({ name: 'ear' })
    await ear.run(async () => {
      await queues.publish(queue, 1, { id: 'first' })
      await queues.publish(queue, 2, { id: 'second' })
      const running = await ear.next(patient)
      const stopped = at.app.app.stopService(at.app.service('app:mailer').id)
      running.reply('done')
      await stopped
      expect(await queues.job(queue, 'first')).toMatchObject({ state: 'done', result: 'done' })
      expect(await queues.job(queue, 'second')).toMatchObject({ state: 'waiting', attempts: 0 })
    })
  })

  it('gives back what does not end in time, for the next run, and counts no attempt', async () => {
    using place = folder()
    {
      await using at = await startQueues(
        place.path,
        mail,
        consumer({ lifecycle: { auto_start: true, stop_timeout: '5s' } }),
      )
      await using ear = await at.app.probe({ name: 'ear' })
      await ear.run(async () => queues.publish(queue, 'kept', { id: 'first' }))
      await ear.next(patient)
      const stopped = at.app.app.stopService(at.app.service('app:mailer').id)
      await at.app.until('app:mailer', 'Stopping')
      await at.app.clock.advance('5s')
      await stopped
    }
    await using at = await startQueues(place.path, mail, consumer())
    await using ear = await at.app.probe({ name: 'ear' })
    const message = await ear.next(patient)
    expect(message.payload).toMatchObject({ payload: 'kept', job: { id: 'first', attempt: 1 } })
    message.reply()
    await at.done('first')
  })

  it('starts a process for each job', async () => {
    using place = folder()
    const fields = { process: 'clerk', host: 'host', max_attempts: 1 }
    await using at = await startQueues(place.path, mail, consumer(fields))
    await at.app.run(async () => {
      await queues.publish(queue, 'good', { id: 'good' })
      await queues.publish(queue, 'bad', { id: 'bad' })
    })
    expect(await at.done('good')).toMatchObject({ result: { payload: 'good', attempt: 1 } })
    await at.said('job "bad" of app:mail is dead after 1 attempts: Unknown: the clerk refuses')
  })
})
