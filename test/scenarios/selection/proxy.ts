/** A SOCKS5 proxy (RFC 1928) without logins that counts, and goes out from an address of its own; and a server that tells that address. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface Listening extends AsyncDisposable {
  readonly port: number
  /** Connections that came so far. */
  count(): number
}

/** @param from - The local address that its connections leave from. */
export async function startProxy(from: string): Promise<Listening> {
  let count = 0
  const server = createServer((client) => {
    client.on('error', () => client.destroy())
    client.once('data', () => {
      client.write(Uint8Array.of(5, 0))
      client.once('data', (request: Buffer) => {
        count += 1
        // CONNECT to an IPv4 address: version, command, reserved, type, address, port.
        const host = request.subarray(4, 8).join('.')
        const target = connect({ host, port: request.readUInt16BE(8), localAddress: from }, () => {
          client.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
          client.pipe(target).pipe(client)
        })
        target.on('error', () => client.destroy())
      })
    })
  })
  return listening(server, () => count)
}

/** An HTTP server that answers the address that a request came from. */
export async function startOrigin(): Promise<Listening> {
  let count = 0
  const server = createHttpServer((request, response) => {
    count += 1
    const { traceparent } = request.headers
    if (typeof traceparent === 'string') response.setHeader('x-traceparent', traceparent)
    response.end(request.socket.remoteAddress)
  })
  return listening(server, () => count)
}

async function listening(server: Server, count: () => number): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port')
  return {
    port: address.port,
    count,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
