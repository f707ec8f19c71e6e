/**
 * Connects the members of loopback overlays: dialling and accepting sides each send a line, then their bytes are
 * joined.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { TroupeError } from '@troupe/core'
import type { Target } from '@troupe/network'

/** Certificate and key by which the overlay itself ends TLS. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

interface Place {
  readonly secret: string
  readonly certificate: Certificate | undefined
  /** The sides that wait to accept. */
  readonly accepting: Socket[]
  /** The sides that have dialled and wait for an accept. */
  readonly dialling: Socket[]
}

export class Hub implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #places = new Map<string, Place>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.#sockets.add(socket.on('error', () => socket.destroy()).once('close', () => this.#sockets.delete(socket)))
      void firstLine(socket).then((line) => this.#answer(socket, line))
    })
  }

  static async start(): Promise<Hub> {
    const server = createServer({ allowHalfOpen: true })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return new Hub(server)
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  /** Connections to the hub that are open. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Creates a place; returns the secret by which it is served. @throws TroupeError `AlreadyExists` */
  open({ host, port }: Target, certificate?: Certificate): string {
    const key = `${host}:${port}`
    if (this.#places.has(key)) throw new TroupeError('AlreadyExists', `${key} has a listener already`)
    const secret = randomUUID()
    this.#places.set(key, { secret, certificate, accepting: [], dialling: [] })
    return secret
  }

  close(secret: string): void {
    for (const [key, place] of this.#places) {
      if (place.secret !== secret) continue
      this.#places.delete(key)
      for (const socket of [...place.accepting, ...place.dialling]) socket.destroy()
    }
  }

  /** Cuts everything, as the death of a router or node does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(socket: Socket, line: string): void {
    const [word, first = '', second = ''] = line.split(' ')
    const place =
      word === 'DIAL'
        ? this.#places.get(`${first}:${second}`)
        : this.#places.values().find(({ secret }) => secret === first)
    if (place === undefined) {
      socket.end(`ERR ${this.#knows(first) ? 'refused' : 'unknown'}\n`)
      return
    }
    const [own, other] = word === 'DIAL' ? [place.dialling, place.accepting] : [place.accepting, place.dialling]
    own.push(socket)
    socket.once('close', () => own.splice(own.indexOf(socket) >>> 0, 1))
    const [dialled, accepting] = [place.dialling[0], place.accepting[0]]
    if (other.length === 0 || dialled === undefined || accepting === undefined) return
    place.dialling.shift()
    place.accepting.shift()
    join(dialled, accepting, place.certificate)
  }

  #knows(host: string): boolean {
    return this.#places.keys().some((key) => key.startsWith(`${host}:`))
  }
}

function join(dialled: Socket, accepting: Socket, certificate: Certificate | undefined): void {
  dialled.write('OK\n')
  accepting.write('OK visitor.loop\n')
  const near =
    certificate === undefined
      ? dialled
      : new TLSSocket(dialled, { isServer: true, ...certificate, ALPNProtocols: ['http/1.1'] })
  near.on('error', () => accepting.destroy())
  near.pipe(accepting).pipe(near)
  near.once('close', () => accepting.destroy())
  accepting.once('close', () => near.destroy())
}

/** Reads up to the end of the first line; the rest stays in the socket. */
async function firstLine(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let line = ''
  const onReadable = () => {
    for (let byte: unknown = socket.read(1); Buffer.isBuffer(byte); byte = socket.read(1)) {
      if (byte[0] === 10) {
        socket.off('readable', onReadable)
        resolve(line)
        return
      }
      line += byte.toString('latin1')
    }
  }
  socket.on('readable', onReadable)
  return promise
}
