/**
 * Unmodified libraries, each in two overlays and in the clear network at once: what the servers saw, and which requests
 * the proxies got.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { address } from '../peers/loopback.ts'
import type { LibraryThreadData } from './library-thread.ts'
import { Exit } from './overlays.ts'
import { type Servers, startServers } from './servers.ts'
import { type Silent, startSinks, type Sinks } from './sinks.ts'

const names = [
  'net.connect',
  'tls.connect',
  'fetch',
  'http.request with an agent',
  'http.get',
  'https.request with an agent',
  'http2',
  'WebSocket',
  'ws',
  'undici fetch',
  'undici request',
  'undici Agent',
  'axios',
  'axios, redirected',
  'got',
  'node-fetch',
  'pg.Pool',
  'ioredis',
  'mysql2 pool',
  'nodemailer',
  'ssh2',
  'grpc-js',
  'mongodb (wire)',
  'kafkajs (wire)',
]
const started = z.object({ names: z.array(z.tuple([z.string(), z.boolean()])) })
const used = z.union([
  z.object({ name: z.string(), seen: z.object({ peer: z.string(), port: z.number().optional() }) }),
  z.object({ name: z.string(), error: z.string() }),
])

/** A thread of one network. */
class LibraryThread implements AsyncDisposable {
  readonly pools: ReadonlyMap<string, boolean>
  readonly #worker: Worker

  private constructor(worker: Worker, pools: ReadonlyMap<string, boolean>) {
    this.#worker = worker
    this.pools = pools
  }

  static async start(workerData: LibraryThreadData): Promise<LibraryThread> {
    const worker = new Worker(new URL('library-thread.ts', import.meta.url), { workerData })
    const [message] = z.tuple([started]).parse(await once(worker, 'message'))
    return new LibraryThread(worker, new Map(message.names))
  }

  async use(name: string) {
    this.#worker.postMessage(name)
    const [answer] = z.tuple([used]).parse(await once(this.#worker, 'message'))
    if ('error' in answer) throw new Error(`${answer.name}: ${answer.error}`)
    return answer.seen
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}

const stack = new AsyncDisposableStack()
const host = address(60)
const exits: Exit[] = []
let servers: Servers
let sinks: Sinks
/** Threads, and the address that their connections come from; `undefined` in the clear network. */
const threads: Array<{ readonly exit: string | undefined; readonly thread: LibraryThread }> = []

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-matrix-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  exits.push(
    stack.use(await Exit.start('a', address(61), folder)),
    stack.use(await Exit.start('b', address(62), folder)),
  )
  servers = stack.use(await startServers(host))
  sinks = stack.use(await startSinks(host))
  const { sshKey } = servers
  const { [Symbol.asyncDispose]: _, ...plainSinks } = sinks
  for (const exit of [...exits, undefined]) {
    const thread = await LibraryThread.start({
      route: await exit?.route(),
      servers: { host, sshKey },
      sinks: plainSinks,
    })
    threads.push({ exit: exit?.address, thread: stack.use(thread) })
  }
})
afterAll(async () => stack.disposeAsync())

function sinkOf(name: string): Silent | undefined {
  return name === 'mongodb (wire)' ? sinks.mongo : name === 'kafkajs (wire)' ? sinks.kafka : undefined
}

it('the matrix is complete', () => {
  for (const { thread } of threads) expect([...thread.pools.keys()]).toEqual(names)
})

describe.each(names)('%s', (name) => {
  it('uses each network’s own route, and separates their connections', async () => {
    const sink = sinkOf(name)
    const ports = threads.map(() => new Set<number>())
    const visit = async ({ exit, thread }: (typeof threads)[number], at: number) => {
      const before = sink?.peers.length ?? 0
      const { peer, port } = await thread.use(name)
      const came = sink === undefined ? peer : sink.peers[before]
      if (exit === undefined) expect(exits.map(({ address: other }) => other)).not.toContain(came)
      else expect(came).toBe(exit)
      if (port !== undefined) ports[at]?.add(port)
    }
    for (let round = 0; round < 3; round++) {
      if (sink === undefined) await Promise.all(threads.map(visit))
      else for (const [at, each] of threads.entries()) await visit(each, at)
    }
    // No connection was ever seen in two networks.
    expect(new Set(ports.flatMap((set) => [...set])).size).toBe(ports.reduce((sum, { size }) => sum + size, 0))
    if (threads[0]?.thread.pools.get(name) === true) expect(ports.every(({ size }) => size < 3)).toBe(true)
  })
})

it('the requests at the proxies equal the connections in their overlays', async () => {
  for (const exit of exits) {
    const asked = await exit.asked()
    expect(asked.length).toBeGreaterThanOrEqual(names.length)
    expect(asked.every((target) => target.startsWith(`${host}:`))).toBe(true)
  }
})
