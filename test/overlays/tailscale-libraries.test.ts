/** Unmodified libraries over a tailnet, both as clients and as servers. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EntryId } from '@troupe/core'
import { installGuard, provideNetworkAccess } from '@troupe/network'
import { inNetwork, rebindThreadNetwork } from '@troupe/network/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPostgres } from '../guard/servers.ts'
import { installPeers, programs, servers } from '../peers/install.ts'
import { address } from '../peers/loopback.ts'
import { TailnetWorld } from './tailscale-fixture.ts'

const names = ['fetch', 'http.request with an agent', 'ws', 'http2', 'pg']
const stack = new AsyncDisposableStack()
let left: EntryId
let library: Readonly<Record<string, () => Promise<unknown>>> = {}

beforeAll(async () => {
  await installPeers({ ...programs, postgres: servers.postgres })
  const folder = await mkdtemp(join(tmpdir(), 'troupe-libraries-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  // A server that drops root privileges must be able to traverse it.
  await chmod(folder, 0o755)
  const host = address(66)
  await startPostgres(folder, host, stack)
  const world = stack.use(await TailnetWorld.start())
  const [a, b] = await Promise.all([world.node('left'), world.node('right')])
  left = a.id
  installGuard()
  rebindThreadNetwork({ overlay: null })
  provideNetworkAccess({
    select: async () => {},
    route: async (overlay) => Promise.resolve(world.overlays.route(overlay)),
    bind: async (overlay, options) => {
      const binding = await world.overlays.get(overlay).bind(options)
      return { listenGrant: binding.listenGrant, release: () => void binding[Symbol.asyncDispose]() }
    },
  })
  const { libraries, startServers } = await import('./tailscale-libraries.ts')
  for (const server of await inNetwork(b.id, async () => startServers(host))) stack.defer(() => void server.close())
  library = libraries('right')
})
afterAll(async () => stack.disposeAsync())

it('the matrix is complete', () => {
  expect(Object.keys(library)).toEqual(names)
})

it.each([
  ['fetch', { node: 'left', localPort: 80 }],
  ['http.request with an agent', { node: 'left', localPort: 80 }],
  ['ws', { node: 'left', localPort: 80 }],
  ['http2', { node: 'left', version: '2.0' }],
  ['pg', [100_000, 200_000, 300_000, 400_000]],
])('%s works as in the clear network', async (name, expected) => {
  const use = library[name] ?? (async () => Promise.reject(new Error(`there is no ${name}`)))
  for (let round = 0; round < (name === 'pg' ? 1 : 3); round += 1)
    expect(await inNetwork(left, use)).toMatchObject(expected)
})
