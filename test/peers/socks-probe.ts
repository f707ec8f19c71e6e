/** A minimal SOCKS5 request, to check that a peer works before the driver under test uses it. */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface Probe {
  readonly proxy: { readonly host: string; readonly port: number }
  readonly host: string
  readonly port: number
}

/** Connects by name, without a login. Rejects unless the proxy reports success. */
export async function probe({ proxy, host, port }: Probe): Promise<void> {
  const socket = connect(proxy.port, proxy.host)
  try {
    await once(socket, 'connect')
    const name = Buffer.from(host)
    socket.write(Buffer.from([5, 1, 0]))
    await take(socket, 2)
    socket.write(Buffer.from([5, 1, 0, 3, name.length, ...name, port >> 8, port & 255]))
    const reply = (await take(socket, 4)).readUInt8(1)
    if (reply !== 0) throw new Error(`${proxy.host}:${proxy.port} answered ${reply} for ${host}:${port}`)
  } finally {
    socket.destroy()
  }
}

async function take(socket: ReturnType<typeof connect>, bytes: number): Promise<Buffer> {
  for (;;) {
    const chunk: unknown = socket.read(bytes)
    if (Buffer.isBuffer(chunk)) return chunk
    if (socket.readableEnded || socket.destroyed) throw new Error('the proxy closed the connection')
    await Promise.race([once(socket, 'readable'), once(socket, 'end')])
  }
}

/** Resolves when a program listens there. */
export async function listens(host: string, port: number): Promise<void> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
