/** Several nodes that use the jobs of one stream, on a real server. */
import { connect } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Delivery, QueueDriver } from '../driver/driver.ts'
import { jetStreamStore } from '../testing/jetstream-store.ts'
import { jobOf } from '../testing/job-of.ts'
import { type NatsServer, startNatsServer } from '../testing/nats-server.ts'
import { JobStream } from './job-stream.ts'

const queue = 'app:mail'
const many = 1_000_000
const hour = 3_600_000
const usual = { limit: 10, ackWait: 10_000, maxAttempts: 3 }
let server: NatsServer | undefined

beforeAll(async () => {
  server = await startNatsServer()
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

async function two(...isMember: readonly (() => boolean)[]) {
  const stack = new AsyncDisposableStack()
  const store = stack.use(jetStreamStore(server?.address ?? ''))
  const [a, b] = [
    stack.use(await store.open({ isMember: isMember[0] ?? (() => true) })),
    stack.use(await store.open({ isMember: isMember[1] ?? (() => true) })),
  ]
  return { store, a, b, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
}

const idsOf = (jobs: readonly { readonly id: string }[]) => jobs.map(({ id }) => id)

/** Takes jobs at two nodes until there are none. */
async function takeAll(drivers: readonly QueueDriver[], perKey?: number): Promise<readonly Delivery[]> {
  const taken: Delivery[] = []
  for (;;) {
    const found = await Promise.all(drivers.map(async (driver) => driver.reserve(queue, { ...usual, perKey })))
    taken.push(...found.flat())
    if (found.flat().length === 0) return taken
  }
}

describe('two nodes', () => {
  it('never take the same job', async () => {
    await using at = await two()
    const ids = Array.from({ length: 200 }, (_, each) => `${each}`)
    await Promise.all(ids.map(async (id, each) => [at.a, at.b][each % 2]?.publish(jobOf(id), many)))
    await vi.waitFor(async () => {
      for (const driver of [at.a, at.b]) expect(await driver.counts(queue)).toMatchObject({ waiting: 200 })
    })
    const taken = await takeAll([at.a, at.b])
    expect(idsOf(taken).toSorted()).toEqual(ids.toSorted())
    expect(taken.every(({ attempt }) => attempt === 1)).toBe(true)
  })

  it('keep one job of those that are published at both with one id', async () => {
    await using at = await two()
    const outcomes = await Promise.all([at.a, at.b].map(async (driver) => driver.publish(jobOf('x'), many)))
    expect(outcomes.filter(({ isDuplicate }) => isDuplicate)).toHaveLength(1)
    const [job] = await takeAll([at.a, at.b])
    if (job === undefined) throw new Error('no job is ready')
    expect(await at.a.acknowledge(job, undefined, 0)).toBe(true)
    expect(await at.b.publish(jobOf('x'), many)).toMatchObject({ isDuplicate: false })
    expect(await at.a.publish(jobOf('x'), many)).toMatchObject({ isDuplicate: true })
  })

  it('begin no two jobs of a key at a time, whatever their priorities', async () => {
    await using at = await two()
    for (let round = 0; round < 20; round += 1) {
      const key = `key ${round}`
      // Each node takes its own job at once, before it can know of the other one.
      await at.a.counts(queue)
      await at.b.counts(queue)
      const publish = async (driver: QueueDriver, id: string, priority: number) => {
        await driver.publish(jobOf(`${round} ${id}`, { key, priority }), many)
        return driver.reserve(queue, { ...usual, perKey: 1 })
      }
      const both = (await Promise.all([publish(at.a, 'a', 1), publish(at.b, 'b', 2)])).flat()
      expect(both).toHaveLength(1)
      const [first] = both
      if (first === undefined) throw new Error('no job is ready')
      await at.a.acknowledge(first, undefined, 0)
      const [second] = await vi.waitFor(async () => {
        const found = await takeAll([at.a, at.b], 1)
        expect(found).toHaveLength(1)
        return found
      })
      if (second === undefined) throw new Error('no job is ready')
      await at.b.acknowledge(second, undefined, 0)
    }
  })

  it('take over the job of one that does not finish, and refuse its late outcome', async () => {
    await using at = await two()
    await at.a.publish(jobOf('x'), many)
    const [hung] = await at.a.reserve(queue, usual)
    if (hung === undefined) throw new Error('no job is ready')
    await vi.waitFor(async () => {
      expect(await at.b.counts(queue)).toMatchObject({ running: 1 })
    })
    await at.store.pass(usual.ackWait)
    const [other] = await at.b.reserve(queue, usual)
    expect(other).toMatchObject({ id: 'x', attempt: 2 })
    expect(await at.a.acknowledge(hung, undefined, hour)).toBe(false)
    if (other !== undefined) expect(await at.b.acknowledge(other, Uint8Array.of(1), hour)).toBe(true)
    expect(await at.a.job(queue, 'x')).toMatchObject({ state: 'done', result: Uint8Array.of(1) })
  })

  it('that is no member neither publishes nor takes, and the others go on', async () => {
    let isMember = true
    await using at = await two(() => isMember)
    await at.a.publish(jobOf('x'), many)
    isMember = false
    const refused = { kind: 'Unavailable', retryable: true, message: expect.stringContaining('no member') as string }
    await expect(at.a.publish(jobOf('y'), many)).rejects.toMatchObject(refused)
    await expect(at.a.reserve(queue, usual)).rejects.toMatchObject(refused)
    expect(idsOf(await takeAll([at.b]))).toEqual(['x'])
  })
})

describe('the stream', () => {
  it('keeps large payloads, progress and results', async () => {
    await using at = await two()
    const large = (size: number, fill: number) => new Uint8Array(size).fill(fill)
    await at.a.publish(jobOf('x', { body: large(3_000_000, 1) }), many)
    await at.a.publish(jobOf('x', { body: large(1_000_000, 9) }), many)
    const [job] = await vi.waitFor(async () => {
      const found = await at.b.reserve(queue, usual)
      expect(found).toHaveLength(1)
      return found
    })
    if (job === undefined) throw new Error('no job is ready')
    expect(Buffer.compare(job.body, large(3_000_000, 1))).toBe(0)
    await at.b.progress(job, large(900_000, 2), usual.ackWait)
    expect((await at.a.job(queue, 'x'))?.progress?.byteLength).toBe(900_000)
    await at.b.acknowledge(job, large(2_000_000, 3), hour)
    const done = await at.a.job(queue, 'x')
    expect(Buffer.compare(done?.result ?? new Uint8Array(), large(2_000_000, 3))).toBe(0)
    expect(done?.body.byteLength).toBe(0)
  })

  it('counts jobs of an id that was removed, and comes again, once', async () => {
    await using at = await two()
    for (let round = 0; round < 5; round += 1) {
      expect(await at.a.publish(jobOf('x'), many)).toMatchObject({ isDuplicate: false })
      const [job] = await takeAll([at.a])
      if (job === undefined) throw new Error('no job is ready')
      expect(await at.a.acknowledge(job, undefined, 0)).toBe(true)
    }
    await vi.waitFor(async () => {
      for (const driver of [at.a, at.b])
        expect(await driver.counts(queue)).toEqual({ delayed: 0, waiting: 0, running: 0, done: 0, dead: 0 })
    })
  })

  it('is refused with another configuration', async () => {
    await using connection = await opened()
    const manager = await jetstreamManager(connection.nats)
    await manager.streams.add({ name: 'own', subjects: ['own.>'], max_msgs_per_subject: 5 })
    await expect(JobStream.open(connection.nats, { name: 'own', prefix: 'own', replicas: 1 })).rejects.toMatchObject({
      kind: 'Invalid',
      final: true,
      message: expect.stringContaining('exists with another configuration: 5 messages a subject') as string,
    })
  })
})

async function opened() {
  const nats = await connect({ servers: server?.address ?? '' })
  return { nats, [Symbol.asyncDispose]: async () => nats.close() }
}
