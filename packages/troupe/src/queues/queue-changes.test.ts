import { expect, it, vi } from 'vitest'
import { queues, registry } from '../index.ts'
import { consumer, folder, mail, startQueues } from './fixtures/start-queues.ts'

const queue = 'app:mail'
/** The first job starts a thread, on a busy machine. */
const patient = { timeout: 120_000 }

it('a consumer and its queue that are deleted together let the job that runs end', async () => {
  using place = folder()
  await using at = await startQueues(place.path, mail, consumer())
  await using ear = await at.app.probe({ name: 'ear' })
  await ear.run(async () => {
    await queues.publish(queue, 1, { id: 'first' })
    await queues.publish(queue, 2, { id: 'second' })
    const running = await ear.next(patient)
    const applied = registry.apply([
      { op: 'delete', entry: { id: 'app:mailer' } },
      { op: 'delete', entry: { id: queue } },
    ])
    await vi.waitFor(async () => {
      expect(await registry.find({ kind: 'queue.queue' })).toEqual([])
    }, patient)
    await expect(queues.publish(queue, 3)).rejects.toMatchObject({ kind: 'NotFound' })
    running.reply('done')
    await at.said('job "first" of app:mail is done')
    await applied
    await at.said('app:mail: there is no such queue any more, and 1 of its jobs wait until there is one again')
    await registry.apply([
      { op: 'create', entry: mail },
      { op: 'create', entry: consumer() },
    ])
    expect(await queues.job(queue, 'first')).toMatchObject({ state: 'done', result: 'done' })
    const second = await ear.next(patient)
    expect(second.payload).toMatchObject({ payload: 2, job: { id: 'second', attempt: 1 } })
    second.reply()
  })
  await at.done('second')
})

it('a change of the schema is reported when it is applied', async () => {
  using place = folder()
  await using at = await startQueues(place.path, mail)
  await at.app.run(async () => {
    await queues.publish(queue, 'old')
    await registry.apply([{ op: 'update', entry: { ...mail, schema: { type: 'number' } } }])
    await at.said('app:mail: its schema has changed, and 1 jobs that it keeps were published under the former one')
    await expect(queues.publish(queue, 'old')).rejects.toMatchObject({ kind: 'Invalid' })
    await registry.apply([{ op: 'update', entry: { ...mail, schema: { type: 'number' }, keep: '2h' } }])
    expect(at.app.log.filter((line) => line.includes('its schema has changed'))).toHaveLength(1)
  })
})

it('jobs of a queue that was removed are reported at the next start', async () => {
  using place = folder()
  const other = { ...mail, id: 'app:other' }
  {
    await using at = await startQueues(place.path, mail, other)
    await at.app.run(async () => queues.publish(queue, 'kept'))
  }
  {
    await using at = await startQueues(place.path, other)
    await at.said('app:mail: there is no such queue any more, and 1 of its jobs wait until there is one again')
  }
  await using at = await startQueues(place.path, mail, other, consumer({ func: 'place' }))
  await at.said('of app:mail is done')
  expect(await at.app.run(async () => queues.counts(queue))).toMatchObject({ waiting: 0, done: 1 })
})
