/** Unmodified libraries, each in two overlays and in the clear at once: what the servers saw, and what the proxies were asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installGuard } from '@troupe/network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { address } from '../peers/loopback.ts'
import type { Library } from './libraries.ts'
import { Exit, inNetwork, type Network, provideOverlays } from './overlays.ts'
import { type Servers, startServers } from './servers.ts'

const names = [
  'net.connect',
  'tls.connect',
  'fetch',
  'http.request with an agent',
  'http.get',
  'https.request with an agent',
  'http2 (perOverlay)',
  'WebSocket',
  'ws',
  'undici fetch',
  'undici request',
  'undici Agent (perOverlay)',
  'axios',
  'axios, redirected',
  'got',
  'node-fetch',
  'pg.Pool (perOverlay)',
  'ioredis (perOverlay)',
  'mysql2 pool (perOverlay)',
  'nodemailer',
  'ssh2',
  'grpc-js (perOverlay)',
  'mongodb (wire)',
  'kafkajs (wire)',
]
/** What every error of a shared pool says. */
const advice: unknown = expect.stringContaining('perOverlay')
const stack = new AsyncDisposableStack()
const host = address(60)
const exits: Exit[] = []
let servers: Servers
let library: Readonly<Record<string, Library>> = {}
let careless: Readonly<Record<string, () => Promise<unknown>>> = {}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-matrix-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  exits.push(stack.use(await Exit.start('a', address(61), folder)), stack.use(await Exit.start('b', address(62), folder)))
  servers = stack.use(await startServers(host))
  installGuard({ outside: 'clear' })
  const { startSinks } = await import('./sinks.ts')
  const sinks = stack.use(await startSinks(host))
  await provideOverlays(exits)
  const { libraries, shared } = await import('./libraries.ts')
  library = libraries(servers, sinks)
  careless = shared(servers, sinks)
}, 180_000)
afterAll(async () => stack.disposeAsync())

/** Networks, and where they leave. */
function ways(): readonly (readonly [Network, string])[] {
  return [...exits.map(({ network, address: exit }) => [network, exit] as const), [null, host]]
}

it('the matrix is whole', () => {
  expect(Object.keys(library)).toEqual(names)
})

describe.each(names)('%s', (name) => {
  it('goes each network’s own way, and keeps their connections apart', async () => {
    const use = library[name]?.use ?? (async () => Promise.reject(new Error(`there is no ${name}`)))
    const alone = name.endsWith('(wire)')
    const ports = new Map<Network, Set<number>>()
    for (let round = 0; round < 3; round++) {
      const one = async ([network, exit]: readonly [Network, string]) => ({ network, exit, seen: await inNetwork(network, use) })
      const all = alone ? await inTurn(ways(), one) : await Promise.all(ways().map(one))
      for (const { network, exit, seen } of all) {
        if (network === null) expect(exits.map(({ address: other }) => other)).not.toContain(seen.peer)
        else expect(seen.peer).toBe(exit)
        if (seen.port !== undefined) ports.set(network, (ports.get(network) ?? new Set()).add(seen.port))
      }
    }
    const each = [...ports.values()]
    const together = new Set(each.flatMap((set) => [...set]))
    // No connection was ever seen in two networks.
    expect(together.size).toBe(each.reduce((sum, { size }) => sum + size, 0))
    if (library[name]?.pools === true) expect(each.every(({ size }) => size < 3)).toBe(true)
  })
})

it.each(['undici Agent', 'pg.Pool', 'ioredis', 'mysql2 pool', 'grpc-js'])(
  '%s, shared, belongs to the network of its first use',
  async (name) => {
    const use = careless[name] ?? (async () => {})
    const [a, b] = exits.map(({ network }) => network)
    // Queued behind each other, so that the second would be served by the first one's connection.
    const [first, second] = await Promise.allSettled([inNetwork(a ?? null, use), inNetwork(b ?? null, use)])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'EOVERLAY', message: advice } })
    await expect(inNetwork(null, use)).rejects.toMatchObject({ code: 'EOVERLAY' })
    await inNetwork(a ?? null, use)
  },
)

it('what the proxies were asked for is what was opened in their overlays', async () => {
  for (const exit of exits) {
    const asked = await exit.asked()
    expect(asked.length).toBeGreaterThanOrEqual(names.length)
    expect(asked.every((target) => target.startsWith(`${host}:`))).toBe(true)
  }
})

async function inTurn<T, R>(list: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of list) results.push(await run(item))
  return results
}
