/** Servers for sockets of all kinds of threads. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { listen } from '../../networks/servers/listen.ts'

/** The ports of each, on 127.0.0.1. */
export interface Ports {
  /** Sends back what it receives, and `bye` at the end. */
  readonly echo: number
  /** Sends first, and ends. */
  readonly banner: number
  /** Reads, and ends when the other side has. */
  readonly silent: number
  /** Resets the connection when it receives something. */
  readonly reset: number
  /** Ends first, and reads what arrives afterwards. */
  readonly ends: number
  /** Returns what `ends` received last. */
  readonly heard: number
  /** Sends 8 MiB, and ends. */
  readonly large: number
  /** Returns the address and the port of the client. */
  readonly peer: number
  /** Returns a port that is free at {@link ownAddress}, another one each time. */
  readonly free: number
  /** Speaks TLS, with a certificate for `localhost` and `secure.test`, and ends. */
  readonly secure: number
  /** A closed port. */
  readonly dead: number
}

export async function startServers(stack: AsyncDisposableStack): Promise<Ports> {
  const serving = async (serve: (socket: Socket) => void) =>
    listen(
      createServer({ allowHalfOpen: true }, (socket) => serve(socket.on('error', () => socket.destroy()))),
      stack,
    )
  let heard = ''
  return {
    echo: await serving((socket) => socket.on('data', (data) => socket.write(data)).on('end', () => socket.end('bye'))),
    banner: await serving((socket) => socket.end('welcome, all of you')),
    silent: await serving((socket) => socket.resume().on('end', () => socket.end())),
    reset: await serving((socket) => socket.once('data', () => socket.resetAndDestroy())),
    ends: await serving((socket) => {
      socket.end('over to you')
      socket.on('data', (data) => {
        heard = String(data)
      })
    }),
    heard: await serving((socket) => socket.end(heard)),
    large: await serving((socket) => socket.end(Buffer.alloc(8 << 20, 'x'))),
    peer: await serving((socket) => socket.end(`${socket.remoteAddress} ${socket.remotePort}`)),
    free: await serving((socket) => void tellFree(socket)),
    secure: await listen(
      tls.createServer({ cert: pem('server.pem'), key: pem('server.key') }, (socket) =>
        socket.on('error', () => {}).end('hello'),
      ),
      stack,
    ),
    dead: 1,
  }
}

/** A file with the certificates that the tests use. */
export function pem(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, '../fixtures', name))
}

/** An address of this machine that connections may leave from. */
export const ownAddress = '127.0.0.78'

async function tellFree(socket: Socket): Promise<void> {
  const server = createServer().listen(0, ownAddress)
  await once(server, 'listening')
  const address = server.address()
  server.close(() => socket.end(String(typeof address === 'object' ? address?.port : '')))
}
