/**
 * `npm run bench:queues`: job queues beside BullMQ on Debian's Redis, in turn in one run, on one disk. Once with each
 * commit on the disk before it is acknowledged, on both sides, and once with less.
 */
import { once } from 'node:events'
import { mkdirSync, mkdtempDisposableSync } from 'node:fs'
import { join } from 'node:path'
import { BroadcastChannel } from 'node:worker_threads'
import { entryId } from '@troupe/core'
import { Queue, Worker } from 'bullmq'
import { queues } from 'troupe'
import { boot } from 'troupe/app'
import { Daemon } from '../peers/daemon.ts'
import { installPeers, servers } from '../peers/install.ts'
import { address } from '../peers/loopback.ts'
import { type Line, median, printTable, scaled } from './measure.ts'

/** The first warms up. */
const turns = scaled(4, 2)
/** Jobs of one measure, by the number of those in flight. */
const jobsOf = { 1: scaled(300, 20), 50: scaled(3_000, 100) }
const inFlights = [1, 50] as const
type InFlight = (typeof inFlights)[number]

/** What both sides do. Each returns jobs per second. */
interface Side extends AsyncDisposable {
  /** Adds jobs, of which so many are not acknowledged at a time. */
  add(inFlight: InFlight): Promise<number>
  /** Runs what was added, until the end of each job is kept. */
  run(inFlight: InFlight): Promise<number>
}

/** What a side has done when it acknowledges. */
const durabilities = [
  { title: 'synchronous: full, appendfsync always (on the disk)', ours: 'full', theirs: 'always' },
  { title: 'synchronous: normal, appendfsync everysec (the disk gets it later)', ours: 'normal', theirs: 'everysec' },
] as const
type Durability = (typeof durabilities)[number]

async function added(
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

async function startOurs(folder: string, { ours }: Durability): Promise<Side> {
  const app = await boot({
    root: join(import.meta.dirname, 'queues-app'),
    set: [`queue.path=${folder}/queues.db`, `queue.synchronous=${ours}`],
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

async function startTheirs(folder: string, { theirs }: Durability): Promise<Side> {
  await using stack = new AsyncDisposableStack()
  const host = address(2)
  const port = 6379
  const keep = ['--appendonly', 'yes', '--appendfsync', theirs, '--save', '', '--dir', folder]
  const redis = stack.use(
    new Daemon({
      name: 'redis',
      program: servers.redis.path,
      args: ['--bind', host, '--port', `${port}`, ...keep],
      log: join(folder, 'redis.log'),
    }),
  )
  await redis.printed(/Ready to accept connections/)
  const connection = { host, port, maxRetriesPerRequest: null }
  const queue = new Queue('jobs', { connection, defaultJobOptions: { removeOnComplete: true } })
  stack.defer(async () => queue.close())
  const owned = stack.move()
  return {
    add: async (inFlight) => added(inFlight, async (job) => queue.add('job', job)),
    run: async (inFlight) => {
      const count = jobsOf[inFlight]
      const { promise: all, resolve } = Promise.withResolvers<void>()
      let completed = 0
      const worker = new Worker('jobs', async () => undefined, { connection, concurrency: inFlight, autorun: false })
      worker.on('completed', () => {
        completed += 1
        if (completed === count) resolve()
      })
      await worker.waitUntilReady()
      const start = performance.now()
      const running = worker.run()
      await all
      const rate = (count / (performance.now() - start)) * 1_000
      await worker.close()
      await running
      return rate
    },
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}

async function compared(folder: string, durability: Durability): Promise<readonly Line[]> {
  const names = ['ours', 'theirs'].map((name) => join(folder, durability.ours, name))
  for (const name of names) mkdirSync(name, { recursive: true })
  const [ownFolder = '', theirFolder = ''] = names
  await using own = await startOurs(ownFolder, durability)
  await using bullmq = await startTheirs(theirFolder, durability)
  const lines: Line[] = []
  for (const inFlight of inFlights) {
    const pairs: Record<'add' | 'run', (readonly [number, number])[]> = { add: [], run: [] }
    for (let turn = 0; turn < turns; turn += 1)
      for (const what of ['add', 'run'] as const) {
        const pair = [await own[what](inFlight), await bullmq[what](inFlight)] as const
        if (turn > 0) pairs[what].push(pair)
      }
    for (const what of ['add', 'run'] as const) {
      const ratio = median(pairs[what].map(([here, there]) => here / there))
      lines.push({
        what: `${what === 'add' ? 'add' : 'process'}, ${inFlight} at a time`,
        figure: median(pairs[what].map(([here]) => here)),
        unit: 'jobs/s',
        peer: { name: 'BullMQ', figure: median(pairs[what].map(([, there]) => there)), ratio },
        target: { text: '≥ 1.0 ×', met: ratio >= 1 },
      })
    }
  }
  return lines
}

const channel = new BroadcastChannel('bench:queues')
channel.unref()
await installPeers({ redis: servers.redis })
// Not in the folder for temporary files, which can be in memory: both write to one disk.
const disk = join(import.meta.dirname, '../../.cache')
mkdirSync(disk, { recursive: true })
using folder = mkdtempDisposableSync(join(disk, 'bench-queues-'))
for (const durability of durabilities)
  printTable(`Queues, ${durability.title}`, await compared(folder.path, durability))
