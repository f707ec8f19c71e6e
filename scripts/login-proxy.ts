/** A SOCKS5 proxy (RFC 1928, with logins of RFC 1929), and a web site behind it: what a client of Tor needs of Tor. */
import { once } from 'node:events'
import { createServer as createWebServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Reads a socket in pieces of known lengths. */
class Reader {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  async bytes(count: number): Promise<Buffer> {
    for (;;) {
      const read: unknown = count === 0 ? Buffer.alloc(0) : this.#socket.read(count)
      if (read instanceof Buffer) return read
      if (this.#socket.readableEnded || this.#socket.destroyed) throw new Error('the client has closed the connection')
      await Promise.race([once(this.#socket, 'readable'), once(this.#socket, 'end'), once(this.#socket, 'close')])
    }
  }

  async byte(): Promise<number> {
    return (await this.bytes(1)).readUInt8()
  }

  /** A text after a byte with its length. */
  async text(): Promise<string> {
    return (await this.bytes(await this.byte())).toString()
  }
}

/** A proxy whose every name is 127.0.0.1. */
export class LoginProxy implements AsyncDisposable {
  /** The targets that each login requested. */
  readonly targets = new Map<string, string[]>()
  readonly #server: Server
  readonly #web: Server
  readonly #sockets = new Set<Socket>()

  private constructor() {
    const pages: Readonly<Record<string, string>> = {
      '/': '<a href="/a">a</a> <a href="/b">b</a> <a href="/c">c</a> <a href="http://other.test/">other</a>',
      '/a': '<a href="/">back</a>',
    }
    this.#web = createWebServer((request, response) => {
      response.statusCode = request.url?.startsWith('/no-such-') === true ? 404 : 200
      response.end(pages[request.url ?? ''] ?? 'the end')
    })
    this.#server = createServer((socket) => {
      this.#keep(socket)
      this.#serve(socket).catch(() => socket.destroy())
    })
  }

  static async start(): Promise<LoginProxy> {
    const proxy = new LoginProxy()
    for (const server of [proxy.#server, proxy.#web]) await once(server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  get port(): number {
    return portOf(this.#server)
  }

  /** The port of the web site, which is reached under any name. */
  get webPort(): number {
    return portOf(this.#web)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#server, this.#web]) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
  }

  async #serve(socket: Socket): Promise<void> {
    const reader = new Reader(socket)
    await reader.byte()
    const methods = await reader.bytes(await reader.byte())
    const hasLogin = methods.includes(2)
    socket.write(Uint8Array.of(5, hasLogin ? 2 : 0))
    let login = ''
    if (hasLogin) {
      await reader.byte()
      login = `${await reader.text()}:${await reader.text()}`
      socket.write(Uint8Array.of(1, 0))
    }
    const [, , , type] = await reader.bytes(4)
    const host = type === 3 ? await reader.text() : (await reader.bytes(type === 4 ? 16 : 4)).join('.')
    const port = (await reader.bytes(2)).readUInt16BE()
    this.targets.set(login, [...(this.targets.get(login) ?? []), `${host}:${port}`])
    const target = connect(port, '127.0.0.1')
    this.#keep(target)
    target.on('close', () => socket.destroy())
    socket.on('close', () => target.destroy())
    await once(target, 'connect')
    socket.write(Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0))
    socket.pipe(target).pipe(socket)
  }
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
