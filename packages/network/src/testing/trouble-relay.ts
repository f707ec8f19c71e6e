/** For tests: a relay between an overlay and its peer that makes trouble. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What happens to connections that are made from now on. */
export type Trouble =
  | 'works'
  | 'refuses'
  | 'closes'
  | 'resets'
  | 'is silent'
  | 'answers garbage'
  | 'breaks off in the middle'

/** Where the peer is. */
export interface Peer {
  readonly host: string
  readonly port: number
}

export class Relay implements AsyncDisposable {
  readonly port: number
  readonly #host: string
  /** Connections that arrived while no listener was expected. */
  strays = 0
  readonly peer: Peer
  readonly #sockets = new Set<Socket>()
  #server: Server
  #trouble: Trouble = 'works'

  private constructor(peer: Peer, host: string, server: Server) {
    this.peer = peer
    this.#host = host
    this.#server = server
    const address = server.address()
    this.port = typeof address === 'object' && address ? address.port : 0
    server.on('connection', (socket) => this.#take(socket))
  }

  /** @param at - Where it listens: by default at a free port of 127.0.0.1. */
  static async to(
    peer: Peer,
    { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
  ): Promise<Relay> {
    const server = createServer()
    await once(server.listen(port, host), 'listening')
    return new Relay(peer, host, server)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
  }

  /** Open connections continue. */
  async make(trouble: Trouble): Promise<void> {
    const listened = this.#trouble !== 'refuses'
    this.#trouble = trouble
    if (trouble === 'refuses') this.#server.close()
    else if (!listened) {
      this.#server = createServer((socket) => this.#take(socket))
      await once(this.#server.listen(this.port, this.#host), 'listening')
    }
  }

  /** Resets open connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  #take(near: Socket): void {
    this.#keep(near)
    switch (this.#trouble) {
      case 'works':
        this.#join(near)
        return
      case 'refuses':
        this.strays += 1
        near.destroy()
        return
      case 'closes':
        near.end()
        return
      case 'resets':
        near.resetAndDestroy()
        return
      case 'is silent':
        near.resume()
        return
      case 'answers garbage':
        near.once('data', () => near.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
        return
      case 'breaks off in the middle':
        near.once('data', (first: Buffer) => {
          const far = this.#keep(connect(this.peer))
          // The peer's first data arrives in part.
          far.once('data', (answer: Buffer) => near.end(answer.subarray(0, 1))).write(first)
        })
        return
      default:
    }
  }

  #join(near: Socket): void {
    const far = this.#keep(connect(this.peer))
    near.on('close', () => far.destroy()).pipe(far)
    far.on('close', () => near.destroy()).pipe(near)
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    return socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
  }
}
