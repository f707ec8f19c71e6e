/** A SOCKS5 proxy (RFC 1928) that accepts any login, as Tor does, and whose connections come from its own address. */
import net from 'node:net'
import { listen } from './servers/listen.ts'

/** A connection through the proxy. */
export interface Passage {
  /** The target that the client requested, `host:port`. */
  readonly target: string
  /** Name and password of the client, if it sent them. */
  readonly login: string | undefined
  /** The address that the server sees, at the proxy's exit. */
  readonly port: number
}

export interface Proxy {
  readonly port: number
  readonly passages: readonly Passage[]
  /** Breaks all connections that it has. */
  readonly cut: () => void
}

interface Handshake {
  stage: 'greeting' | 'login' | 'request'
  login: string | undefined
}

/** @param from - The local address that its connections leave from. */
export async function startProxy(from: string, stack: AsyncDisposableStack): Promise<Proxy> {
  const passages: Passage[] = []
  const clients = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const handshake: Handshake = { stage: 'greeting', login: undefined }
    let data: Buffer = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      data = Buffer.concat([data, chunk])
      for (
        let size = lengthOf(handshake, data);
        size !== undefined && size <= data.length;
        size = lengthOf(handshake, data)
      ) {
        const message = data.subarray(0, size)
        data = data.subarray(size)
        if (handshake.stage !== 'request') answer(client, handshake, message)
        else {
          client.off('data', onData)
          connect(client, message, data)
          return
        }
      }
    }
    clients.add(client)
    client.on('error', () => client.destroy()).on('data', onData)
    client.on('close', () => clients.delete(client))

    function connect(client: net.Socket, message: Buffer, rest: Buffer): void {
      const { host, port } = targetOf(message)
      const target = net.connect({ host, port, family: 4, localAddress: from, allowHalfOpen: true }, () => {
        passages.push({ target: `${host}:${port}`, login: handshake.login, port: target.localPort ?? 0 })
        client.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        if (rest.length > 0) target.write(rest)
        client.pipe(target).pipe(client)
      })
      // If a target refuses or resets, the proxy does so to the client.
      let stands = false
      target.on('connect', () => {
        stands = true
      })
      target.on('error', () => {
        if (stands) client.resetAndDestroy()
        else client.end(Uint8Array.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0))
      })
      client.on('close', () => target.destroy())
    }
  })
  const cut = () => {
    for (const client of clients) client.resetAndDestroy()
  }
  return { port: await listen(server, stack), passages, cut }
}

/** Length of the next message; `undefined` while it is unknown. */
function lengthOf({ stage }: Handshake, data: Buffer): number | undefined {
  const byte = (at: number) => data[at]
  if (stage === 'greeting') return add(2, byte(1))
  if (stage === 'login') {
    const name = add(2, byte(1))
    return name === undefined ? undefined : add(name + 1, byte(name))
  }
  if (byte(3) === 3) return add(7, byte(4))
  return byte(3) === undefined ? undefined : 10
}

function add(size: number, byte: number | undefined): number | undefined {
  return byte === undefined ? undefined : size + byte
}

function answer(client: net.Socket, handshake: Handshake, message: Buffer): void {
  if (handshake.stage === 'greeting') {
    const takesLogin = message.subarray(2).includes(2)
    client.write(Uint8Array.of(5, takesLogin ? 2 : 0))
    handshake.stage = takesLogin ? 'login' : 'request'
    return
  }
  handshake.login = message.toString('latin1')
  client.write(Uint8Array.of(1, 0))
  handshake.stage = 'request'
}

function targetOf(message: Buffer): { readonly host: string; readonly port: number } {
  const isName = message[3] === 3
  const host = isName ? message.toString('latin1', 5, message.length - 2) : message.subarray(4, 8).join('.')
  return { host, port: message.readUInt16BE(message.length - 2) }
}
