/** Unmodified libraries in a sealed host, in an overlay and in the clear: the kernel opens their connections. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { address } from '../peers/loopback.ts'
import { Exit } from './overlays.ts'
import { plainPort, startServers } from './servers.ts'
import { startSinks } from './sinks.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
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
]
const host = address(65)
const stack = new AsyncDisposableStack()
let exit: Exit
let app: TestApp
let given: unknown

beforeAll(async () => {
  if (!canSeal) return
  const folder = await mkdtemp(join(tmpdir(), 'troupe-sealed-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  exit = stack.use(await Exit.start('sealed', address(66), folder))
  const { sshKey } = stack.use(await startServers(host))
  const { [Symbol.asyncDispose]: _, ...sinks } = stack.use(await startSinks(host))
  given = { servers: { host, sshKey }, sinks }
  app = await startApp({
    root: join(import.meta.dirname, '../fixtures/sealed'),
    entries: [
      { id: 'app:threads', kind: 'process.host', host: { network: 'sealed' }, lifecycle: { auto_start: true } },
      {
        id: 'app:shared',
        kind: 'process.host',
        host: { network: 'sealed', isolation: 'shared', workers: 1 },
        lifecycle: { auto_start: true },
      },
      {
        id: 'app:processes',
        kind: 'process.host',
        host: { isolation: 'process', fs: { read: [join(import.meta.dirname, '..')] } },
        lifecycle: { auto_start: true },
      },
      { id: 'app:local', kind: 'network.socks5', host: `unix:${await localProxy(folder)}` },
      { id: exit.network, kind: 'network.socks5', host: exit.address, port: 1080 },
      ...['visit', 'get'].map((method) => ({
        id: `app:${method}`,
        kind: 'process.ts',
        source: 'file://programs.ts',
        method,
      })),
    ],
  })
  stack.defer(async () => app.stop())
})
afterAll(async () => stack.disposeAsync())

/** The same proxy, at a Unix socket. */
async function localProxy(folder: string): Promise<string> {
  const path = join(folder, 'proxy.sock')
  const server = net.createServer((client) => {
    const proxy = net.connect(1080, exit.address)
    pipeline(client, proxy, client, () => {})
  })
  stack.defer(() => void server.close())
  await once(server.listen(path), 'listening')
  return path
}

async function visit(network: string | null, on: string, which: readonly string[] = names): Promise<unknown> {
  return app.app.run(async () => processes.withOptions({ network }).exec('app:visit', on, which, given))
}

/** All of them returned what is expected for `peer`. */
function all(peer: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.map((name) => [name, peer]))
}

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal)('in a sealed host', () => {
  it.each(['app:threads', 'app:processes'])('goes through the overlay: %s', async (on) => {
    const before = (await exit.asked()).length
    expect(await visit(exit.network, on)).toEqual(all(exit.address))
    expect((await exit.asked()).length - before).toBeGreaterThan(names.length / 2)
  })

  it.each(['app:threads', 'app:processes'])('connects in the clear network: %s', async (on) => {
    const before = (await exit.asked()).length
    expect(await visit(null, on)).toEqual(all('127.0.0.1'))
    expect((await exit.asked()).length).toBe(before)
  })

  it('goes through a proxy at a Unix socket', async () => {
    const which = ['fetch', 'tls.connect', 'pg.Pool', 'WebSocket']
    expect(await visit('app:local', 'app:threads', which)).toEqual(
      Object.fromEntries(which.map((name) => [name, exit.address])),
    )
  })

  it('sends the requests of the HTTP client', async () => {
    const url = `http://${host}:${plainPort}/`
    const peers = await app.app.run(async () =>
      processes.withOptions({ network: exit.network }).exec('app:get', 'app:threads', url),
    )
    expect(peers).toEqual([exit.address, '127.0.0.1'])
  })

  it('uses its own route for each process in a shared thread', async () => {
    const [through, clear] = await Promise.all([visit(exit.network, 'app:shared'), visit(null, 'app:shared')])
    expect(through).toEqual(all(exit.address))
    expect(clear).toEqual(all('127.0.0.1'))
  })
})

when(!canSeal)('where threads cannot be sealed', () => {
  it('has no such host', () => {
    expect(process.versions.node.startsWith('24.')).toBe(true)
  })
})
