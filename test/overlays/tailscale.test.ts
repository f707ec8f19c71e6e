import { overlayContract } from '../contract/overlay-contract.ts'
import { reroute, serve, TailnetWorld } from './tailscale-fixture.ts'

overlayContract('network.tailscale', async () => {
  const world = await TailnetWorld.start()
  const [here, there] = await Promise.all([world.node('here'), world.node('there')])
  const echo = await serve(there, 7, (socket) => socket.pipe(socket))
  const bye = await serve(there, 8, (socket) => socket.end('bye'))
  const [ipv4 = '', ipv6 = ''] = (await world.overlays.status(there.id))?.addresses ?? []
  return {
    overlay: { ...here, [Symbol.asyncDispose]: async () => world[Symbol.asyncDispose]() },
    echo: { name: echo, ipv4: { host: ipv4, port: 7 }, ipv6: { host: ipv6, port: 7 } },
    bye,
    refused: { host: 'there', port: 9 },
    unknown: { host: 'nobody', port: 80 },
    halfClose: true,
    routeTo: (port) => reroute(here.route, world.folder, port),
    visitor: there.route,
  }
})
