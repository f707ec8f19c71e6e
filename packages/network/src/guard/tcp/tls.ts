/**
 * TLS over a socket that waits for a connection to be dialled for it: the socket's handle will change, so TLS must not
 * hold the present one. Certificates are checked against the host that the socket connects to, as in Node.
 */
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import tls from 'node:tls'
import { isCarried } from './connect-through.ts'
import { isIsolated } from '../../dial/connection-handover.ts'
import { property } from '../../sockets/internals.ts'
import { isCallable, replaceMethod } from '../node/patch.ts'

export function guardTls(): void {
  replaceMethod(tls, 'connect', (target, self, args) => {
    const [options] = args
    const socket = property(options, 'socket')
    if (!(socket instanceof Socket)) return Reflect.apply(target, self, args)
    if (isIsolated(socket) && property(options, 'session') !== undefined)
      return Reflect.apply(target, self, [{ ...Object(options), session: undefined }, args.find(isCallable)])
    if (!isCarried(socket)) return Reflect.apply(target, self, args)
    const host = property(options, 'host') ?? property(socket, '_host')
    // TLS begins before it is known whether the connection will be an isolated one.
    const own = { host, socket: new Bytes(socket), session: undefined }
    return Reflect.apply(target, self, [{ ...Object(options), ...own }, args.find(isCallable)])
  })
}

/** The bytes of a socket, as a stream that is not a socket. */
class Bytes extends Duplex {
  readonly #socket: Socket

  constructor(socket: Socket) {
    super({ allowHalfOpen: socket.allowHalfOpen })
    this.#socket = socket
    socket
      .on('data', (chunk) => {
        if (!this.push(chunk)) socket.pause()
      })
      .on('end', () => this.push(null))
      .on('error', (error) => this.destroy(error))
      .on('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
