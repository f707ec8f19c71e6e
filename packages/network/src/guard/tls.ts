/** TLS over a socket that is still being connected through an overlay: its handle will be another, so TLS may not hold on to this one. */
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import tls from 'node:tls'
import { networkOfSocket } from './bound-sockets.ts'
import { property } from './internals.ts'
import { isCallable, replaceMethod } from './wrap.ts'

export function guardTls(): void {
  replaceMethod(tls, 'connect', (target, self, args) => {
    const [options] = args
    const socket = property(options, 'socket')
    if (!(socket instanceof Socket) || !socket.connecting || typeof networkOfSocket(socket) !== 'string') {
      return Reflect.apply(target, self, args)
    }
    return Reflect.apply(target, self, [{ ...Object(options), socket: withoutHandle(socket) }, args.find(isCallable)])
  })
}

/** The bytes of `socket`, as a stream that is no socket. Types know `Duplex.from` for web streams alone. */
function withoutHandle(socket: Socket): unknown {
  const from: unknown = Reflect.get(Duplex, 'from')
  return isCallable(from) ? from({ readable: socket, writable: socket }) : socket
}
