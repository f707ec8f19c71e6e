/** The sides of `npm run bench:queues`: job queues of Troupe, and of others. */
import { once } from 'node:events'
import { join } from 'node:path'
import { BroadcastChannel } from 'node:worker_threads'
import { AckPolicy, jetstream, jetstreamManager, type JsMsg } from '@nats-io/jetstream'
import { entryId } from '@troupe/core'
import { queues } from 'troupe'
import { boot } from 'troupe/app'
import type { Servers } from '../cluster/servers.ts'
import { scaled } from './measure.ts'

/** The first warms up. */
export const turns = scaled(4, 2)
/** Jobs of one measure, by the number of those in flight. */
export const jobsOf = { 1: scaled(300, 20), 50: scaled(3_000, 100) }
export const inFlights = [1, 50] as const
export type InFlight = (typeof inFlights)[number]

/** What both sides do. Each returns jobs per second. */
export interface Side extends AsyncDisposable {
  /** Adds jobs, of which so many are not acknowledged at a time. */
  add(inFlight: InFlight): Promise<number>
  /** Runs what was added, until the end of each job is kept. */
  run(inFlight: InFlight): Promise<number>
}

export async function added(
  inFlight: InFlight,
  add: (job: { readonly number: number; readonly isLast: boolean }) => Promise<unknown>,
): Promise<number> {
  const count = jobsOf[inFlight]
  const start = performance.now()
  let next = 1
  const lane = async () => {
    while (next < count) await add({ number: next++, isLast: false })
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  await add({ number: count, isLast: true })
  return (count / (performance.now() - start)) * 1_000
}

/** @param settings - Settings and sections of the application. */
export async function startOurs(
  settings: readonly string[],
  sections: Readonly<Record<string, unknown>> = {},
): Promise<Side> {
  const app = await boot({
    root: join(import.meta.dirname, 'queues-app'),
    set: [...settings],
    sections,
    onLog: () => undefined,
  })
  return {
    add: async (inFlight) => app.run(async () => added(inFlight, async (job) => queues.publish('bench:jobs', job))),
    run: async (inFlight) => {
      const count = jobsOf[inFlight]
      const consumer = entryId(`bench:consumer_${inFlight}`)
      const last = once(channel, 'message')
      const start = performance.now()
      await app.start(consumer)
      await last
      // It waits until the end of the last ones is kept.
      await app.stopService(consumer)
      return (count / (performance.now() - start)) * 1_000
    },
    [Symbol.asyncDispose]: async () => app[Symbol.asyncDispose](),
  }
}

/** A stream of JetStream with three replicas, and a consumer of it, without anything else. */
export async function startRaw(servers: Servers): Promise<Side> {
  const connection = await servers.connect()
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: 'raw', subjects: ['raw.>'], num_replicas: 3, retention: 'workqueue' })
  await manager.consumers.add('raw', { durable_name: 'raw', ack_policy: AckPolicy.Explicit })
  const client = jetstream(connection)
  return {
    add: async (inFlight) =>
      added(inFlight, async (job) => client.publish(`raw.${job.number}`, JSON.stringify(job), { retries: 10 })),
    run: async (inFlight) => {
      const count = jobsOf[inFlight]
      const consumer = await client.consumers.get('raw', 'raw')
      const start = performance.now()
      const messages = await consumer.consume({ max_messages: inFlight, expires: 2_000 })
      const running = new Set<Promise<unknown>>()
      let left = count
      for await (const message of messages) {
        const done = acknowledged(message).finally(() => running.delete(done))
        running.add(done)
        left -= 1
        if (left === 0) break
        if (running.size >= inFlight) await Promise.race(running)
      }
      await Promise.all(running)
      return (count / (performance.now() - start)) * 1_000
    },
    [Symbol.asyncDispose]: async () => connection.close(),
  }
}

/** Settles when the servers keep the acknowledgement. */
async function acknowledged(message: JsMsg): Promise<void> {
  await message.ackAck()
}

const channel = new BroadcastChannel('bench:queues')
channel.unref()
