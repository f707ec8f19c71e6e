import { inject } from 'vitest'
import { type OverlayFixture, overlayContract } from '../contract/overlay-contract.ts'
import { startI2p } from '../peers/i2pd.ts'
import { address } from '../peers/loopback.ts'
import type { I2pPeer } from '../peers/peers.ts'
import { I2pOverlays, reroute, stateFolder } from './i2p-fixture.ts'

overlayContract('network.i2p on i2pd', async () => fixtureOf(inject('peers').i2p, new AsyncDisposableStack()))
// On a busy machine, it is slow to greet two hundred connections at once.
overlayContract('network.i2p on i2pd as it comes, with SAM in one thread', async () => {
  const stack = new AsyncDisposableStack()
  const { peer } = stack.use(await startI2p(await stateFolder(stack), address(30), true))
  // i2pd sends a lost packet again after 9 s, and one thread loses some of 200 connections at once.
  return fixtureOf(peer, stack, { connect_timeout: '60s', first_byte_timeout: '20s' })
})

async function fixtureOf(
  i2p: I2pPeer,
  stack: AsyncDisposableStack,
  limits: Readonly<Record<string, string>> = {},
): Promise<OverlayFixture> {
  const world = stack.use(new I2pOverlays(await stateFolder(stack)))
  const overlay = await world.add('i2p', { ...i2p.sam, first_byte_timeout: '3s', ...limits })
  // Both sessions take 20 s: the next listener reuses the listening one.
  const [early] = await Promise.all([overlay.bind({ port: 80 }), overlay.check?.()])
  await early[Symbol.asyncDispose]()
  return {
    overlay: {
      id: overlay.id,
      kind: overlay.kind,
      capabilities: overlay.capabilities,
      route: overlay.route,
      bind: async (options) => overlay.bind(options),
      [Symbol.asyncDispose]: async () => stack.disposeAsync(),
    },
    echo: { name: { host: i2p.echo, port: 80 }, base64: { host: i2p.echoDestination, port: 80 } },
    bye: { host: i2p.bye, port: 80 },
    refused: { host: `${'a'.repeat(52)}.b32.i2p`, port: 80 },
    unknown: { host: 'nowhere.i2p', port: 80 },
    halfClose: false,
    silentWhenGone: true,
    routeTo: (port) => reroute(overlay.route, port),
  }
}
