/** Places on this machine that show an attempt. Each belongs to one attempt. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import net, { type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

/** The target of an attempt. */
export interface Place {
  readonly host: string
  readonly port: number
  readonly udp: number
  readonly unix: string
  /** A connection that the program itself has open. */
  readonly fd: number
}

export class Trap implements Disposable {
  readonly place: Place
  /** What arrived, in words. */
  readonly seen: string[]
  readonly #stack: DisposableStack

  private constructor(place: Place, seen: string[], stack: DisposableStack) {
    this.place = place
    this.seen = seen
    this.#stack = stack
  }

  /** @param holds - Whether a connection to it is held open. @param number - Distinguishes it from others. */
  static async set(folder: string, number: number, holds: boolean): Promise<Trap> {
    const stack = new DisposableStack()
    const seen: string[] = []
    const host = '127.0.0.1'
    const sockets = new Set<Socket>()
    const keep = (socket: Socket) => sockets.add(socket.on('error', () => undefined))
    stack.defer(() => {
      for (const socket of sockets) socket.destroy()
    })
    const tcp = net.createServer(keep)
    const port = await listening(tcp, { host, port: 0 })
    const [descriptor] = holds ? await Promise.all([hold(port), once(tcp, 'connection')]) : [-1]
    // From here on, new connections are counted, and so are bytes on the existing connection.
    for (const socket of sockets) socket.on('data', (data) => seen.push(`bytes: ${String(data)}`))
    tcp.on('connection', () => seen.push('a connection'))
    const unix = join(folder, `${number}.sock`)
    const local = net.createServer((socket) => {
      keep(socket)
      seen.push('a connection by a Unix socket')
    })
    await listening(local, { path: unix })
    const udp = dgram.createSocket('udp4').on('message', () => seen.push('a datagram'))
    await once(udp.bind(0, host), 'listening')
    stack.defer(() => {
      for (const server of [tcp, local]) server.close()
      udp.close()
    })
    return new Trap({ host, port, udp: udp.address().port, unix, fd: descriptor }, seen, stack)
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }
}

async function listening(server: Server, at: net.ListenOptions): Promise<number> {
  await once(server.listen(at), 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/**
 * The descriptor of a connection that its own thread holds open. An attempt that takes it closes it for its holder. An
 * event loop that lost a descriptor receives no events for the next connection with the same number.
 */
async function hold(port: number): Promise<number> {
  const holder = new Worker(new URL('holder.ts', import.meta.url), { workerData: port })
  holder.unref()
  const messages: readonly unknown[] = await once(holder, 'message')
  return Number(messages[0])
}
