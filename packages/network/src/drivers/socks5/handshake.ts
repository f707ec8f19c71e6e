/** The SOCKS5 handshake, spoken by the `socks` package over a connected socket. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { SocksClient } from 'socks'
import type { Target } from '../../overlay.ts'
import type { Socks5Route } from './route.ts'

const isolationBytes = 16

/**
 * What `socks` holds in place of the socket. It passes one byte at a time, and stops where `socks` stops listening: what
 * the target sends right behind the proxy's reply stays in the socket. Handed the socket itself, `socks` would read too
 * far, emit the excess to nobody, and set the socket flowing a turn later.
 */
export class Earpiece extends Duplex {
  /** The proxy's bytes, each of them. */
  readonly heard: number[] = []
  readonly #socket: Socket

  constructor(socket: Socket) {
    super()
    this.#socket = socket
  }

  /** Passes what has arrived, as far as the handshake wants it. */
  listen(): void {
    while (this.listenerCount('data') > 0) {
      const byte: unknown = this.#socket.read(1)
      if (!Buffer.isBuffer(byte)) return
      this.heard.push(byte.readUInt8())
      this.emit('data', byte)
    }
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }
}

/** Speaks the handshake; rejects with what `socks` throws, which holds the credentials and must go no further. */
export async function handshake(ear: Earpiece, proxy: Socks5Route, destination: Target, timeout: number): Promise<void> {
  const login = proxy.isolateStreams ? freshLogin() : proxy.login
  await SocksClient.createConnection({
    command: 'connect',
    proxy: { host: proxy.host, port: proxy.port, type: 5, ...(login && { userId: login.username, password: login.password }) },
    destination: { host: destination.host, port: destination.port },
    existing_socket: ear,
    // The caller's own timer comes first. This one cannot be taken back, so it is kept no longer than that.
    timeout,
  })
}

/** Tor keeps connections with different credentials on different circuits (`IsolateSOCKSAuth`, on by default). */
function freshLogin(): { username: string; password: string } {
  return { username: randomBytes(isolationBytes).toString('hex'), password: randomBytes(isolationBytes).toString('hex') }
}
