import { describe, expect, it } from 'vitest'
import { processes, queues, registry } from '../index.ts'
import { consumer, folder, mail, startQueues } from './fixtures/start-queues.ts'

const queue = 'app:mail'
const overlay = (fields: object = {}) => ({
  ...{ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9 },
  ...fields,
})
const throughProxy = processes.withOptions({ network: 'app:proxy' })

describe('a job', () => {
  it.each(['none', 'actor', 'process'])('runs in the network of its publisher, with isolation: %s', async (isolate) => {
    using place = folder()
    const proxy = overlay(isolate === 'none' ? {} : { isolate })
    {
      await using at = await startQueues(place.path, mail, proxy)
      await at.app.run(async () => {
        await throughProxy.exec('app:publisher', 'app:host', queue, 1, 'through')
        await queues.publish(queue, 1, { id: 'clear' })
      })
    }
    await using at = await startQueues(place.path, mail, proxy, consumer({ func: 'place' }))
    expect(await at.done('through')).toMatchObject({ result: { overlay: 'app:proxy' } })
    expect(await at.done('clear')).toMatchObject({ result: { overlay: null } })
    await at.app.run(async () => throughProxy.exec('app:publisher', 'app:host', queue, 1, 'of this run'))
    expect(await at.done('of this run')).toMatchObject({ result: { overlay: 'app:proxy' } })
  })

  it('runs where the function or the consumer is pinned', async () => {
    using place = folder()
    const pinned = { func: 'place', meta: { options: { network: 'app:proxy' } } }
    await using at = await startQueues(place.path, mail, overlay(), consumer(pinned))
    await at.app.run(async () => queues.publish(queue, 1, { id: 'pinned' }))
    expect(await at.done('pinned')).toMatchObject({ result: { overlay: 'app:proxy' } })
  })

  it.each([
    ['is gone', undefined, 'app:proxy does not exist any more'],
    ['leads elsewhere', overlay({ isolate: 'actor' }), 'app:proxy leads elsewhere since the job was published'],
  ])('is dead with ENETWORK when its overlay %s', async (_name, later, words) => {
    using place = folder()
    {
      await using at = await startQueues(place.path, mail, overlay())
      await at.app.run(async () => throughProxy.exec('app:publisher', 'app:host', queue, 'secret', 'through'))
    }
    const entries = later === undefined ? [] : [later]
    await using at = await startQueues(place.path, mail, consumer({ func: 'place' }), ...entries)
    await at.said(words)
    await at.said('job "through" of app:mail is dead')
    await at.app.run(async () => {
      const [dead] = await queues.dead(queue)
      expect(dead).toMatchObject({ id: 'through', payload: 'secret', errors: [{ code: 'ENETWORK' }] })
    })
  })
})

it('changes of a consumer take effect while it runs', async () => {
  using place = folder()
  await using at = await startQueues(place.path, mail, consumer({ func: 'fail' }))
  await at.app.run(async () => {
    await queues.publish(queue, 'good', { id: 'before' })
    await at.done('before')
    const { id, kind, ...fields } = consumer({ func: 'place' })
    await registry.apply([{ op: 'update', entry: { ...fields, id, kind } }])
    await queues.publish(queue, 'bad', { id: 'after' })
  })
  expect(await at.done('after')).toMatchObject({ result: { overlay: null } })
})
