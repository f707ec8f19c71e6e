/**
 * `npm run bench:queues`: job queues beside BullMQ on Debian's Redis, in turn in one run, on one disk. Once with each
 * commit on the disk before it is acknowledged, on both sides, and once with less. Then those of a cluster beside raw
 * JetStream, on the same three servers.
 */
import { mkdirSync, mkdtempDisposableSync } from 'node:fs'
import { join } from 'node:path'
import { Queue, Worker } from 'bullmq'
import { Servers } from '../cluster/servers.ts'
import { Daemon } from '../peers/daemon.ts'
import { installPeers, servers } from '../peers/install.ts'
import { address } from '../peers/loopback.ts'
import { buildNats } from '../peers/nats.ts'
import { type Line, median, printTable } from './measure.ts'
import { added, inFlights, jobsOf, type Side, startOurs, startRaw, turns } from './queue-sides.ts'

/** What a side has done when it acknowledges. */
const durabilities = [
  { title: 'synchronous: full, appendfsync always (on the disk)', ours: 'full', theirs: 'always' },
  { title: 'synchronous: normal, appendfsync everysec (the disk gets it later)', ours: 'normal', theirs: 'everysec' },
] as const
type Durability = (typeof durabilities)[number]

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

/** Measures two sides in turn. */
async function compared(own: Side, other: Side, name: string, target: number): Promise<readonly Line[]> {
  const lines: Line[] = []
  for (const inFlight of inFlights) {
    const pairs: Record<'add' | 'run', (readonly [number, number])[]> = { add: [], run: [] }
    for (let turn = 0; turn < turns; turn += 1)
      for (const what of ['add', 'run'] as const) {
        const pair = [await own[what](inFlight), await other[what](inFlight)] as const
        if (turn > 0) pairs[what].push(pair)
      }
    for (const what of ['add', 'run'] as const) {
      const ratio = median(pairs[what].map(([here, there]) => here / there))
      lines.push({
        what: `${what === 'add' ? 'add' : 'process'}, ${inFlight} at a time`,
        figure: median(pairs[what].map(([here]) => here)),
        unit: 'jobs/s',
        peer: { name, figure: median(pairs[what].map(([, there]) => there)), ratio },
        target: { text: `≥ ${target.toFixed(1)} ×`, met: ratio >= target },
      })
    }
  }
  return lines
}

async function withBullmq(folder: string, durability: Durability): Promise<readonly Line[]> {
  const names = ['ours', 'theirs'].map((name) => join(folder, durability.ours, name))
  for (const name of names) mkdirSync(name, { recursive: true })
  const [ownFolder = '', theirFolder = ''] = names
  await using own = await startOurs([`queue.path=${ownFolder}/queues.db`, `queue.synchronous=${durability.ours}`])
  await using bullmq = await startTheirs(theirFolder, durability)
  return await compared(own, bullmq, 'BullMQ', 1)
}

async function withJetStream(folder: string): Promise<readonly Line[]> {
  await buildNats()
  await using servers = await Servers.start({ count: 3 })
  const cluster = { name: 'bench', node: 'a', servers: servers.urls, network: null }
  await using own = await startOurs([`network_service.state_dir=${folder}/state`], { cluster })
  await using raw = await startRaw(servers)
  return await compared(own, raw, 'raw JetStream', 0.8)
}

await installPeers({ redis: servers.redis })
// Not in the folder for temporary files, which can be in memory: both write to one disk.
const disk = join(import.meta.dirname, '../../.cache')
mkdirSync(disk, { recursive: true })
using folder = mkdtempDisposableSync(join(disk, 'bench-queues-'))
for (const durability of durabilities)
  printTable(`Queues, ${durability.title}`, await withBullmq(folder.path, durability))
printTable('Queues of a cluster, three servers, each job on all of them', await withJetStream(folder.path))
