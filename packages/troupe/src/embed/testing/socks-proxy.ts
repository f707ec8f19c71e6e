/** For tests: a SOCKS5 proxy with an optional login, which alone knows the names `*.test`. */
import { once } from 'node:events'
import net, { type Socket } from 'node:net'

export interface SocksProxy extends AsyncDisposable {
  readonly port: number
  /** What it was asked to connect to, names as names. */
  readonly asked: readonly string[]
  /** Its open connections. */
  readonly open: ReadonlySet<Socket>
}

export interface Login {
  readonly username: string
  readonly password: string
}

/** Starts a proxy that connects from 127.0.0.9. */
export async function startSocksProxy(login?: Login): Promise<SocksProxy> {
  const asked: string[] = []
  const open = new Set<Socket>()
  const keep = (socket: Socket) => {
    open.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket))
  }
  const server = net.createServer((client) => {
    serve(keep(client), { login, asked, keep }).catch(() => client.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: portOf(server),
    asked,
    open,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

/** Returns the port on which a server listens. */
export function portOf(server: net.Server): number {
  const address = server.address()
  if (typeof address === 'object' && address !== null) return address.port
  throw new TypeError('the server listens on no port')
}

interface Context {
  readonly login: Login | undefined
  readonly asked: string[]
  readonly keep: (socket: Socket) => Socket
}

async function serve(client: Socket, { login, asked, keep }: Context): Promise<void> {
  const read = reader(client)
  await read((await read(2)).readUInt8(1))
  client.write(Buffer.from([5, login ? 2 : 0]))
  if (login && !(await hasLogin(read, login))) {
    client.end(Buffer.from([1, 1]))
    return
  }
  if (login) client.write(Buffer.from([1, 0]))
  const type = (await read(4)).readUInt8(3)
  const length = type === 1 ? 4 : type === 4 ? 16 : (await read(1)).readUInt8(0)
  const address = await read(length)
  const host = type === 3 ? address.toString('latin1') : type === 1 ? address.join('.') : '::1'
  const port = (await read(2)).readUInt16BE(0)
  asked.push(`${host}:${port}`)
  const here = host.endsWith('.test') ? '127.0.0.1' : host
  const target = keep(net.connect({ host: here, port, localAddress: '127.0.0.9' }))
  target.once('error', () => client.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])))
  await once(target, 'connect')
  client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]))
  client.pipe(target).pipe(client)
  client.on('close', () => target.destroy())
  target.on('close', () => client.destroy())
}

type Read = (bytes: number) => Promise<Buffer>

async function hasLogin(read: Read, { username, password }: Login): Promise<boolean> {
  const name = await read((await read(2)).readUInt8(1))
  const secret = await read((await read(1)).readUInt8(0))
  return name.toString() === username && secret.toString() === password
}

function reader(socket: Socket): Read {
  return async (bytes) => {
    for (;;) {
      const chunk: unknown = socket.read(bytes)
      if (Buffer.isBuffer(chunk)) return chunk
      await once(socket, 'readable')
    }
  }
}
