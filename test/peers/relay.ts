/** A relay between an overlay and a real peer that causes trouble. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What happens to connections that are made from now on. */
export type Trouble = 'works' | 'refuses' | 'closes' | 'is silent' | 'answers garbage'

export class Relay implements AsyncDisposable {
  /** Of 127.0.0.1. */
  readonly port: number
  readonly #peer: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #server: Server
  #trouble: Trouble = 'works'

  private constructor(peer: { readonly host: string; readonly port: number }, server: Server, port: number) {
    this.#peer = peer
    this.#server = server.on('connection', (socket: Socket) => this.#take(socket))
    this.port = port
  }

  static async to(peer: { readonly host: string; readonly port: number }): Promise<Relay> {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    return new Relay(peer, server, typeof address === 'object' && address ? address.port : 0)
  }

  /** Open connections continue. */
  async make(trouble: Trouble): Promise<void> {
    const listened = this.#trouble !== 'refuses'
    this.#trouble = trouble
    if (trouble === 'refuses') this.#server.close()
    else if (!listened) {
      this.#server = createServer((socket) => this.#take(socket))
      await once(this.#server.listen(this.port, '127.0.0.1'), 'listening')
    }
  }

  /** Resets open connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.cut()
  }

  #take(near: Socket): void {
    this.#keep(near)
    if (this.#trouble === 'works') {
      const far = this.#keep(connect(this.#peer))
      near.on('close', () => far.destroy()).pipe(far)
      far.on('close', () => near.destroy()).pipe(near)
    } else if (this.#trouble === 'is silent') near.resume()
    else if (this.#trouble === 'answers garbage') near.once('data', () => near.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    else near.destroy()
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    return socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
  }
}
