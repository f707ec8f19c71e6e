/** Jobs of three nodes on three real servers: no job is lost, done twice or out of order while both are killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { DeliverPolicy, jetstream } from '@nats-io/jetstream'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { Servers } from '../cluster/servers.ts'
import { checkLog, type KeptRow } from './fault-checker.ts'
import { withIsolation } from './faults.ts'

const cache = join(import.meta.dirname, '../../.cache')
mkdirSync(cache, { recursive: true })
const stream = 'troupe_shop_jobs'
const jobs = 400
const beyondLease = 3_500
/** Milliseconds. The servers elect a leader, and four programs start, which takes minutes on a busy machine. */
const patience = 600_000
const record = z.object({
  ...{ id: z.string(), state: z.string(), attempts: z.number() },
  errors: z.array(z.object({ attempt: z.number() })),
})

/** The records of all jobs, read without the code that wrote them. */
async function recordsOf(servers: Servers): Promise<readonly KeptRow[]> {
  const connection = await servers.connect()
  const consumer = await jetstream(connection).consumers.get(stream, {
    ...{ filter_subjects: 't.shop.jobs.q.*.j.*', deliver_policy: DeliverPolicy.LastPerSubject },
  })
  let { num_pending: left } = await consumer.info(true)
  const rows: KeptRow[] = []
  for await (const { data } of await consumer.consume()) {
    const [line = ''] = Buffer.from(data).toString('latin1').split('\n', 1)
    rows.push(record.parse(JSON.parse(line)))
    left -= 1
    if (left === 0) break
  }
  await connection.close()
  return rows
}

class Nodes implements AsyncDisposable {
  readonly log: string
  readonly #folder: string
  readonly #servers: Servers
  readonly #running = new Set<ChildProcess>()

  constructor(folder: string, servers: Servers) {
    this.#folder = folder
    this.#servers = servers
    this.log = join(folder, 'log')
    writeFileSync(this.log, '')
  }

  start(node: string, published = 0): ChildProcess {
    const folder = join(this.#folder, node)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const cluster = { name: 'shop', node, servers: this.#servers.urls, network: null, lease: '5s' }
    const settings = { cluster, folder, log: this.log, jobs: published, seed: 'cluster' }
    const child = spawn(process.execPath, [join(import.meta.dirname, 'cluster-program.ts'), JSON.stringify(settings)], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...withIsolation, FAULTS_LOG: this.log },
    })
    child.stdin?.on('error', () => undefined)
    this.#running.add(child)
    return child
  }

  /** Settles when the log has so many lines with that word. */
  async lines(word: string, count: number): Promise<void> {
    for (;;) {
      const found = readFileSync(this.log, 'utf8').split('\n')
      if (found.filter((line) => line.split(' ')[0] === word).length >= count) return
      for (const { exitCode } of this.#running) if (exitCode !== null) throw new Error(`a node ended with ${exitCode}`)
      await wait(20)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
  }
}

it(
  'no job is lost, done twice or out of order while nodes and the leader of the servers are killed',
  async () => {
    using folder = mkdtempDisposableSync(join(cache, 'cluster-queues-'))
    await using servers = await Servers.start({ count: 3 })
    await using nodes = new Nodes(folder.path, servers)
    const b = nodes.start('b')
    const c = nodes.start('c')
    await nodes.lines('started', 2)
    nodes.start('a', jobs)
    await nodes.lines('done', 40)
    b.kill('SIGKILL')
    await nodes.lines('done', 80)
    await servers.killLeader(stream)
    await nodes.lines('done', 120)
    nodes.start('d')
    c.kill('SIGSTOP')
    await wait(beyondLease)
    c.kill('SIGCONT')
    await nodes.lines('ended', 1)
    const { wrong, published, runs } = checkLog(nodes.log, await recordsOf(servers))
    expect(wrong).toEqual([])
    expect(published).toBe(jobs)
    expect(runs).toBeGreaterThanOrEqual(jobs)
  },
  patience,
)
