import { describe, expect, it } from 'vitest'
import { processes, queues, security } from '../index.ts'
import { load } from '../app.ts'
import { startApp } from '../test/index.ts'
import { entries as hidden, inherit, root, said } from '../testing/hidden-app.ts'
import { consumer, entries, folder, mail, startQueues } from './fixtures/start-queues.ts'

const queue = 'app:mail'
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')

async function problems(...more: readonly object[]): Promise<readonly string[]> {
  const all = [...entries, ...more] as Parameters<typeof load>[0]['entries']
  const loaded = await load({ root: `${import.meta.dirname}/fixtures`, ...(all && { entries: all }) })
  return loaded.problems.map(({ message }) => message)
}

describe('the entries of queues', () => {
  it.each([
    ['an unknown field', [{ ...mail, prioritys: 1 }], /prioritys: there is no such field/],
    [
      'an unknown field of a consumer',
      [mail, consumer({ backoff: { maximum: '1s' } })],
      /backoff\.maximum: there is no such field/,
    ],
    ['a queue that is not there', [consumer()], /queue: there is no entry app:mail/],
    ['no program', [mail, consumer({ func: undefined })], /func: expected either "func" or "process"/],
    ['two programs', [mail, consumer({ process: 'clerk', func: 'work', host: 'host' })], /func: expected either/],
    ['a process without a host', [mail, consumer({ process: 'clerk' })], /host: processes need a host/],
    ['a host without a process', [mail, consumer({ host: 'host' })], /host: it belongs to "process"/],
    ['no attempt', [mail, consumer({ max_attempts: 0 })], /max_attempts/],
    ['a short ack_wait', [mail, consumer({ ack_wait: '1ms' })], /ack_wait: the shortest time is 100ms/],
    [
      'a schema that is none',
      [{ ...mail, schema: { type: 'nonsense' } }],
      /schema: it cannot be used as a JSON schema/,
    ],
    [
      'an actor of its own',
      [mail, consumer({ lifecycle: { security: { actor: { id: 'ann' } } } })],
      /lifecycle\.security: a job runs for the actor that published it/,
    ],
  ])('are refused with the path of %s', async (_name, more, expected) => {
    const found = await problems(...more)
    expect(found.join('\n')).toMatch(expected)
  })

  it('are right as the documentation writes them', async () => {
    const backoff = { initial: '1s', max: '10m', factor: 2, jitter: 0.1 }
    const fields = { concurrency: 4, per_key: 1, max_attempts: 5, backoff, ack_wait: '30s' }
    const whole = { ...mail, keep: '1h', max_jobs: 10, schema: { type: 'object' } }
    expect(await problems(whole, consumer(fields))).toEqual([])
  })
})

describe('publishing', () => {
  it('rejects what is wrong with its path', async () => {
    using place = folder()
    const schema = { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] }
    await using at = await startQueues(place.path, { ...mail, schema, max_jobs: 1 })
    await at.app.run(async () => {
      const to = { to: 'ann' }
      const wrong = (kind: string, path: string) => ({ kind, details: { path } })
      await expect(queues.publish(queue, { to: 7 })).rejects.toMatchObject(wrong('Invalid', 'payload.to'))
      await expect(queues.publish(queue, to, { priority: 10 })).rejects.toMatchObject(wrong('Invalid', 'priority'))
      await expect(queues.publish(queue, to, { delay: -1 })).rejects.toMatchObject(wrong('Invalid', 'delay'))
      await expect(queues.publish(queue, to, { delay: 'soon' })).rejects.toMatchObject({ kind: 'Invalid' })
      await expect(queues.publish(queue, to, { id: '' })).rejects.toMatchObject(wrong('Invalid', 'id'))
      await expect(queues.publish(queue, to, { id: '\ud800' })).rejects.toMatchObject(wrong('Invalid', 'id'))
      await expect(queues.publish(queue, { ...to, at: () => 1 })).rejects.toMatchObject({
        kind: 'Invalid',
      })
      await expect(queues.publish('app:absent', to)).rejects.toMatchObject({ kind: 'NotFound' })
      await expect(queues.publish('app:host', to)).rejects.toMatchObject({ kind: 'NotFound' })
      await queues.publish(queue, to)
      await expect(queues.publish(queue, to)).rejects.toMatchObject({ kind: 'Unavailable', retryable: true })
    })
  })

  it('reports at the next start that the schema has changed while jobs wait', async () => {
    using place = folder()
    {
      await using at = await startQueues(place.path, mail)
      await at.app.run(async () => queues.publish(queue, 'old'))
    }
    const changed = { ...mail, schema: { type: 'number' } }
    {
      await using at = await startQueues(place.path, changed)
      await at.said('app:mail: its schema has changed, and 1 jobs that it keeps were published under the former one')
    }
    await using at = await startQueues(place.path, changed)
    expect(at.app.log.filter((line) => line.includes('its schema has changed'))).toEqual([])
    expect(await at.app.run(async () => queues.counts(queue))).toMatchObject({ waiting: 1 })
  })
})

describe('policies', () => {
  const allow = (name: string, actions: readonly string[]) => ({
    ...{ id: `app:${name}`, kind: 'security.policy', effect: 'allow' },
    ...{ actions, resources: queue },
  })
  const publish = async (policy: string, id: string) =>
    processes
      .withActor(security.newActor('ann'))
      .withScope(security.newScope([policy]))
      .exec('app:publisher', 'app:host', queue, 1, id)

  it('decide who may publish', async () => {
    using place = folder()
    const policies = [allow('publishes', ['queue.publish']), allow('reads', ['queue.get'])]
    await using at = await startQueues(place.path, mail, ...policies)
    await at.app.run(async () => {
      expect(await publish('app:publishes', 'a')).toEqual({ id: 'a', isDuplicate: false })
      await expect(publish('app:reads', 'b')).rejects.toMatchObject({
        kind: 'PermissionDenied',
        details: { action: 'queue.publish', resource: queue },
      })
    })
  })

  it('decide about each request, and about frame values that the kernel did not issue', async () => {
    await using app = await startApp({ root, entries: hidden })
    await using probe = await app.probe()
    const published = { queue: 'app:queue', payload: 1, delay: 0, priority: 0, inherit }
    const job = { queue: 'app:queue', id: 'x' }
    const answers = await probe.run(async () =>
      said(
        ['app:sends'],
        ['publishJob', published],
        ['publishJob', { ...published, inherit: { ...inherit, values: { admin: true } } }],
        ['getJob', job],
        ['countJobs', { queue: 'app:queue' }],
        ['deadJobs', { queue: 'app:queue', limit: 1 }],
        ['replayJob', job],
        ['dropJob', job],
        ['jobProgress', { ...job, receipt: 'guessed', value: 1 }],
      ),
    )
    expect(answers).toEqual([
      expect.stringMatching(/^PermissionDenied: .*queue\.publish/),
      expect.stringMatching(/^PermissionDenied: .*queue\.context/),
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^PermissionDenied: .*queue\.get/) as unknown),
      expect.stringMatching(/^PermissionDenied: .*queue\.replay/),
      expect.stringMatching(/^PermissionDenied: .*queue\.drop/),
      'answered false',
    ])
  })

  it.runIf(canSeal)('are needed by code in a sealed host, also without an actor', async () => {
    using place = folder()
    const sealed = { id: 'app:sealed', kind: 'process.host', host: { network: 'sealed', spares: 0 } }
    await using at = await startQueues(place.path, mail, { ...sealed, lifecycle: { auto_start: true } })
    await at.app.run(async () => {
      await expect(processes.exec('app:publisher', 'app:sealed', queue, 1, 'a')).rejects.toMatchObject({
        kind: 'PermissionDenied',
      })
    })
  })
})
