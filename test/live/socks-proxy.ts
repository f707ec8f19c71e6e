/** A SOCKS5 proxy and an HTTP server behind it, for tests: each records what passed through it. */
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** Number of connections that were requested in total. */
  readonly dials: number
  /** Connections that are open now. */
  readonly open: number
  /** Names that were requested. */
  readonly names: ReadonlySet<string>
  /** Local ports from which it connected to targets. */
  readonly ports: ReadonlySet<number>
}

/** Accepts every connection (RFC 1928, no login) and forwards it to 127.0.0.1, whatever name was requested. */
export async function startProxy(): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const names = new Set<string>()
  const ports = new Set<number>()
  let dials = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    socket.once('data', () => {
      socket.write(Uint8Array.of(5, 0))
      socket.once('data', (request: Buffer) => {
        dials += 1
        // Version, command, reserved, type 3 (a name), its length, the name, the port.
        names.add(request.subarray(5, -2).toString())
        const target = connect({ host: '127.0.0.1', port: request.readUInt16BE(request.length - 2) })
        target.on('error', () => socket.destroy())
        target.once('connect', () => {
          if (target.localPort !== undefined) ports.add(target.localPort)
          socket.write(Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0))
          socket.pipe(target).pipe(socket)
        })
      })
    })
  })
  const port = await listening(server)
  return {
    port,
    get dials() {
      return dials
    },
    get open() {
      return sockets.size
    },
    names,
    ports,
    [Symbol.asyncDispose]: async () => closed(server, sockets),
  }
}

export interface Web extends AsyncDisposable {
  readonly url: string
  /** Makes the streams of `/stream` send their next line. */
  readonly advance: () => void
  /** The client ports of its connections. */
  readonly peers: ReadonlySet<number>
  /** URL of the same server by another name. */
  readonly named: (name: string) => string
}

/** `/` responds `ok`; `/stream` sends a line each time the test triggers it, and ends with the fourth. */
export async function startWeb(): Promise<Web> {
  const peers = new Set<number>()
  const streams = new Map<ServerResponse, number>()
  const sockets = new Set<Socket>()
  const server = createHttpServer((request: IncomingMessage, response) => {
    if (request.url !== '/stream') {
      response.end('ok')
      return
    }
    response.write('0\n')
    streams.set(response, 1)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    if (socket.remotePort !== undefined) peers.add(socket.remotePort)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await listening(server)
  return {
    url: `http://target.test:${port}`,
    named: (name) => `http://${name}.test:${port}`,
    peers,
    advance: () => {
      for (const [response, line] of streams) {
        streams.set(response, line + 1)
        if (line < 3) response.write(`${line}\n`)
        else {
          streams.delete(response)
          response.end(`${line}\n`)
        }
      }
    },
    [Symbol.asyncDispose]: async () => closed(server, sockets),
  }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function closed(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  server.close()
  for (const socket of sockets) socket.destroy()
  await once(server, 'close')
}
