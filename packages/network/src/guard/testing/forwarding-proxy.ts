/** For tests: a SOCKS5 proxy that forwards, connects from its own address, and records its requests. */
import { once } from 'node:events'
import net, { type Server, type Socket } from 'node:net'
import { connectPlain } from '../../sockets/own-sockets.ts'

const granted = Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80])
const refused = Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])
/** The reply for what it does not support: datagrams, names. */
const unsupported = Buffer.from([5, 7, 0, 1, 0, 0, 0, 0, 0, 0])
const connect = 1

export class ForwardingProxy implements AsyncDisposable {
  /** `host:port`, names as names. */
  readonly asked: string[] = []
  readonly #server: Server
  readonly #exit: string
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, exit: string) {
    this.#server = server
    this.#exit = exit
  }

  /**
   * It resolves the names `*.test` and `localhost` to this machine. It refuses `refused.test`, and never replies for
   * `silent.test`. It accepts any login.
   */
  static async start(exit: string): Promise<ForwardingProxy> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true })
    const proxy = new ForwardingProxy(server, exit)
    server.on('connection', (socket) => void proxy.#serve(proxy.#keep(socket)))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  get port(): number {
    return portOf(this.#server)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    return socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
  }

  async #serve(client: Socket): Promise<void> {
    const read = reader(client)
    const methods = await read((await read(2)).readUInt8(1))
    const isLogin = !methods.includes(0)
    client.write(Buffer.from([5, isLogin ? 2 : 0]))
    if (isLogin) {
      await read((await read(2)).readUInt8(1))
      await read((await read(1)).readUInt8(0))
      client.write(Buffer.from([1, 0]))
    }
    const { command, host, port } = await requestFrom(read)
    if (command !== connect) {
      client.end(unsupported)
      return
    }
    this.asked.push(`${host}:${port}`)
    if (host === 'silent.test') return
    const here = host.endsWith('.test') || host === 'localhost'
    // The proxy is no part of the thread's network, though it runs in the thread.
    const target = this.#keep(connectPlain({ host: here ? '127.0.0.1' : host, port, localAddress: this.#exit }))
    target.allowHalfOpen = true
    try {
      await (host === 'refused.test' ? Promise.reject(new Error('refused')) : once(target, 'connect'))
    } catch {
      client.end(refused)
      return
    }
    // Data that the target sends at once is sent with the reply.
    await Promise.race([once(target, 'readable'), quiet()])
    const first: unknown = target.read()
    client.write(Buffer.concat([granted, Buffer.isBuffer(first) ? first : Buffer.alloc(0)]))
    client.pipe(target).pipe(client)
    client.on('close', () => target.destroy())
    target.on('error', () => client.resetAndDestroy())
  }
}

type Read = (bytes: number) => Promise<Buffer>

function reader(socket: Socket): Read {
  return async (bytes) => {
    for (;;) {
      const chunk: unknown = socket.read(bytes)
      if (Buffer.isBuffer(chunk)) return chunk
      await once(socket, 'readable')
    }
  }
}

async function requestFrom(read: Read): Promise<{ command: number; host: string; port: number }> {
  const head = await read(4)
  const [command, type] = [head.readUInt8(1), head.readUInt8(3)]
  const length = type === 1 ? 4 : type === 4 ? 16 : (await read(1)).readUInt8(0)
  const address = await read(length)
  const host = type === 3 ? address.toString('latin1') : type === 1 ? address.join('.') : '::1'
  return { command, host, port: (await read(2)).readUInt16BE(0) }
}

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

/** Returns the port on which a server listens. */
export function portOf(server: Server): number {
  const address = server.address()
  if (typeof address === 'object' && address !== null) return address.port
  throw new TypeError('the server listens on no port')
}
