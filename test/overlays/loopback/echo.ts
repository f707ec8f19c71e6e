/** Plain servers in a loopback overlay. */
import type { Socket } from 'node:net'
import { accept, type Overlay, type Target } from '@troupe/network'

/** Passes each connection at `port` of the overlay to `handle`, while the overlay runs; returns the address. */
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
