/** Plain servers in a loopback overlay. */
import type { Socket } from 'node:net'
import { accept, type Overlay, type Target } from '@troupe/network'

/** Gives each connection at `port` of the overlay to `handle`, for as long as the overlay runs; answers where that is. */
export async function startEcho(overlay: Overlay, port: number, handle: (socket: Socket) => void): Promise<Target> {
  const { listenGrant } = await overlay.bind({ port })
  const listener = await accept(listenGrant)
  const serve = async () => {
    for await (const { socket } of listener.connections) handle(socket.on('error', () => socket.destroy()))
  }
  // It ends with the network.
  void serve().catch(() => undefined)
  return listener.address
}
