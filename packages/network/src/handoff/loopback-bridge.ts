/**
 * Bridges connections over Unix sockets, whose handles cannot move to another thread. A pair of TCP sockets on loopback
 * is inserted, one end of which can move. The bytes of such a connection go through this thread.
 */
import { once } from 'node:events'
import net, { type Server, type Socket } from 'node:net'
import { unavailable } from '@troupe/core'
import { connectPlain } from '../sockets/own-sockets.ts'

const loopback = '127.0.0.1'

/** Returns the far end of a new pair; its near end is piped to `socket`. */
export async function bridge(socket: Socket): Promise<Socket> {
  const { far, near } = await pair()
  socket.allowHalfOpen = true
  join(socket, near)
  join(near, socket)
  return far
}

async function pair(): Promise<{ readonly far: Socket; readonly near: Socket }> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
  try {
    await once(server.listen({ host: loopback, port: 0 }), 'listening')
    const far = connectPlain({ host: loopback, port: portOf(server) }).setNoDelay()
    const [near] = await Promise.all([partnerOf(far, server), once(far, 'connect')])
    return { far: far.on('error', () => undefined), near }
  } finally {
    server.close()
  }
}

/** Any program on this machine may connect meanwhile: the port identifies our own socket. */
async function partnerOf(far: Socket, server: Server): Promise<Socket> {
  const came: Socket[] = []
  return new Promise((resolve) => {
    const look = () => {
      const near = far.localPort === undefined ? undefined : came.find(({ remotePort }) => remotePort === far.localPort)
      if (near === undefined) return
      for (const other of came) if (other !== near) other.destroy()
      resolve(near)
    }
    server.on('connection', (socket: Socket) => {
      came.push(socket)
      look()
    })
    far.once('connect', look)
  })
}

function join(from: Socket, to: Socket): void {
  from.pipe(to)
  from.on('error', () => broken(to))
  from.on('close', () => {
    if (!from.readableEnded) broken(to)
  })
}

/** One end broke: resets the other, so that its peer does not see an orderly end. */
function broken(socket: Socket): void {
  if (socket.destroyed) return
  if (net.isIP(socket.remoteAddress ?? '') === 0) socket.destroy()
  else socket.resetAndDestroy()
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address === 'object' && address !== null) return address.port
  throw unavailable('could not open a loopback port for the handoff')
}
