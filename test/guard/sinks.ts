/** Small servers for protocols without a real server here: they record their clients. */
import { once } from 'node:events'
import net from 'node:net'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { WebSocketServer } from 'ws'

/** A server that reads the first words of a protocol and closes. */
export interface Silent {
  readonly port: number
  /** The clients, in order. */
  readonly peers: readonly string[]
}

export interface Sinks extends AsyncDisposable {
  readonly line: number
  readonly smtp: number
  readonly websocket: number
  readonly grpc: number
  readonly mongo: Silent
  readonly kafka: Silent
}

export async function startSinks(host: string): Promise<Sinks> {
  await using stack = new AsyncDisposableStack()
  const tell = ({ remoteAddress: peer, remotePort: port }: net.Socket) => JSON.stringify({ peer, port })
  const serve = async (onConnection: (socket: net.Socket) => void): Promise<number> => {
    const server = net.createServer((socket) => onConnection(socket.on('error', () => {})))
    await once(server.listen(0, host), 'listening')
    stack.defer(() => void server.close())
    return portOf(server.address())
  }
  const silent = async (): Promise<Silent> => {
    const peers: string[] = []
    const port = await serve((socket) => {
      peers.push(socket.remoteAddress ?? '')
      socket.once('data', () => socket.destroy())
    })
    return { port, peers }
  }
  const websockets = new WebSocketServer({ host, port: 0 })
  websockets.on('connection', (socket, request) => socket.send(tell(request.socket)))
  await once(websockets, 'listening')
  stack.defer(() => websockets.close())
  const sinks = {
    line: await serve((socket) => socket.end(tell(socket))),
    smtp: await serve((socket) => smtp(socket, tell(socket))),
    websocket: portOf(websockets.address()),
    grpc: await grpc(host, stack),
    mongo: await silent(),
    kafka: await silent(),
  }
  const started = stack.move()
  return { ...sinks, [Symbol.asyncDispose]: async () => started.disposeAsync() }
}

/** The part of RFC 5321 that one mail needs. */
function smtp(socket: net.Socket, peerText: string): void {
  socket.write('220 sink\r\n')
  let inMail = false
  socket.setEncoding('latin1').on('data', (data) => {
    for (const line of String(data).split('\r\n').slice(0, -1)) {
      if (inMail && line !== '.') continue
      if (inMail) socket.write(`250 ${peerText}\r\n`)
      else if (line.startsWith('QUIT')) socket.end('221 bye\r\n')
      else socket.write(line.startsWith('DATA') ? '354 go on\r\n' : '250 ok\r\n')
      inMail = !inMail && line.startsWith('DATA')
    }
  })
}

async function grpc(host: string, stack: AsyncDisposableStack): Promise<number> {
  const server = new GrpcServer()
  const same = (bytes: Buffer) => bytes
  const am = {
    path: '/test.Where/Am',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
  server.addService(
    { am },
    {
      am: (call: { getPeer: () => string }, answer: (error: null, bytes: Buffer) => void) => {
        const at = call.getPeer().lastIndexOf(':')
        answer(
          null,
          Buffer.from(JSON.stringify({ peer: call.getPeer().slice(0, at), port: call.getPeer().slice(at + 1) })),
        )
      },
    },
  )
  stack.defer(() => server.forceShutdown())
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    )
  })
}

function portOf(address: string | net.AddressInfo | null): number {
  if (typeof address === 'object' && address !== null) return address.port
  throw new TypeError('the server listens on no port')
}
