import { inject } from 'vitest'
import { overlayContract } from '../contract/overlay-contract.ts'
import { I2pOverlays, reroute, stateFolder } from './i2p-fixture.ts'

const { i2p } = inject('peers')

overlayContract('network.i2p on i2pd', async () => {
  const stack = new AsyncDisposableStack()
  const world = stack.use(new I2pOverlays(await stateFolder(stack)))
  const overlay = await world.add('i2p', { ...i2p.sam, first_byte_timeout: '3s' })
  // Both sessions take 20 s: the one to listen by is found again by whoever listens next.
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
})
