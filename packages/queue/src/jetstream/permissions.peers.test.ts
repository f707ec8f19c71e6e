/** What a key of `troupe cluster credentials` allows is enough for queues. */
import { connect, nkeyAuthenticator } from '@nats-io/transport-node'
import { accountText, makeNodeKey } from '@troupe/cluster/operator'
import { jobsStreamOf, jobsSubjectOf } from '@troupe/cluster/link'
import { expect, it } from 'vitest'
import { jobOf } from '../testing/job-of.ts'
import { startNatsServer } from '../testing/nats-server.ts'
import { JetStreamDriver } from './jetstream-driver.ts'
import { JobStream } from './job-stream.ts'

const queue = 'app:mail'

it('a node with such a key can do all that queues do, and the servers refuse nothing of it', async () => {
  const key = makeNodeKey('a')
  await using server = await startNatsServer(accountText('shop', [key]))
  const connection = await connect({
    ...{ servers: server.address, inboxPrefix: 't.shop.inbox.a' },
    authenticator: nkeyAuthenticator(new TextEncoder().encode(key.seed.trim())),
  })
  const refused: unknown[] = []
  const watching = (async () => {
    for await (const status of connection.status()) if (status.type === 'error') refused.push(status.error)
  })()
  const prefix = jobsSubjectOf('shop')
  const clock = { now: () => performance.now(), date: () => Date.now() }
  {
    await using driver = new JetStreamDriver({ prefix, clock, isMember: () => true })
    driver.use(await JobStream.open(connection, { name: jobsStreamOf('shop'), prefix, replicas: 1 }))
    expect(await driver.schema(queue, 'one')).toBeUndefined()
    await driver.publish(jobOf('a', { key: 'x', body: new Uint8Array(1_000_000) }), 10)
    await driver.publish(jobOf('b', { key: 'x' }), 10)
    for (const expected of ['a', 'b']) {
      const [job] = await driver.reserve(queue, { limit: 1, ackWait: 60_000, maxAttempts: 1, perKey: 1 })
      if (job === undefined) throw new Error('no job is ready')
      expect(job.id).toBe(expected)
      await driver.progress(job, Uint8Array.of(1), 60_000)
      if (expected === 'a') await driver.acknowledge(job, new Uint8Array(1_000_000), 60_000)
      else await driver.bury(job, { attempt: 1, at: 0, kind: 'Unknown', message: 'it broke' })
    }
    expect(await driver.dead(queue, 10)).toHaveLength(1)
    await driver.drop(queue, 'b')
    expect(await driver.job(queue, 'a')).toMatchObject({ state: 'done' })
    expect(await driver.queues()).toEqual([queue])
    await driver.forget(queue)
    expect(await driver.queues()).toEqual([])
  }
  await connection.close()
  await watching
  expect(refused).toEqual([])
})
