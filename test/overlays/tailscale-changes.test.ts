/** Changes that others make to a node, and the state after a refused change. */
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { dial, listenOn, provideNetworkAccess } from '@troupe/network'
import { expect, it } from 'vitest'
import { echoed } from './echoed.ts'
import { TailnetWorld } from './tailscale-fixture.ts'

const patience = { timeout: 120_000, interval: 200 }

it('a renamed node has its new name in the address of its servers, and is reached by it', async () => {
  await using world = await TailnetWorld.start()
  const { tailnet, overlays } = world
  const [left, right] = await Promise.all([world.node('left'), world.node('right')])
  provideNetworkAccess({
    select: async () => {},
    route: async (id) => Promise.resolve(overlays.route(id)),
    bind: async (id, options) => {
      const binding = await overlays.get(id).bind(options)
      return { listenGrant: binding.listenGrant, release: () => void binding[Symbol.asyncDispose]() }
    },
  })
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
  listenOn(server, right.id, { port: 7 })
  await once(server, 'listening')
  const at = () => {
    const address = server.address()
    return typeof address === 'object' && address ? address.address : ''
  }
  expect(at()).toBe(`right.${tailnet.domain}`)
  await tailnet.command('rename', { node: 'right', name: 'renamed' })
  // The node is checked every minute, and on request.
  await expect
    .poll(async () => {
      await overlays.status(right.id)
      return at()
    }, patience)
    .toBe(`renamed.${tailnet.domain}`)
  const visit = async () => String(await echoed(await dial(left.route, { host: at(), port: 7 }), Buffer.from('hello')))
  await expect.poll(async () => visit().catch(String), patience).toBe('hello')
  server.close()
})

it('a refused change logs a new node out and removes its keys; it leaves an existing node alone', async () => {
  await using world = await TailnetWorld.start()
  const { tailnet, overlays, log } = world
  const known = await world.node('known')
  const swap = await overlays.prepare(await world.entry('fresh'))
  const folder = join(world.folder, 'net/tailscale/fresh')
  await access(folder)
  await swap.rollback()
  await expect(access(folder)).rejects.toMatchObject({ code: 'ENOENT' })
  const { nodes } = await tailnet.command('nodes')
  expect(nodes).toMatchObject([
    { name: 'fresh', expired: true },
    { name: 'known', expired: false },
  ])
  expect(log.filter((line) => line.includes('is logged out'))).toHaveLength(1)
  await overlays.remove(known.id)
  const again = await overlays.prepare(known.id)
  await again.rollback()
  expect((await tailnet.command('nodes'))['nodes']).toMatchObject([
    { name: 'fresh' },
    { name: 'known', expired: false },
  ])
})
