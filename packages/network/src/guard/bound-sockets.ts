/** Which network each client socket was opened in, so that code of another does not write on it. */
import { Socket } from 'node:net'
import { type NetworkInForce, networkInForce } from './in-force.ts'
import { handleOf, internals, property } from './internals.ts'
import { isOwn } from './permit.ts'
import { crossing } from './refusal.ts'
import { isCallable } from './wrap.ts'

const networks = new WeakMap<Socket, NetworkInForce>()

export function bindSocket(socket: Socket, network: NetworkInForce): void {
  networks.set(socket, network)
}

/** The network of a client socket; `undefined` for those that lead nowhere new: accepted ones, our own, pipes. */
function networkOfSocket(socket: Socket): NetworkInForce {
  const known = networks.get(socket)
  if (known !== undefined || networks.has(socket)) return known
  const network = unboundNetwork(socket)
  networks.set(socket, network)
  return network
}

function unboundNetwork(socket: Socket): NetworkInForce {
  // TLS over a socket that somebody brought along.
  const parent = property(socket, '_parent')
  if (parent instanceof Socket) return networkOfSocket(parent)
  const handle = handleOf(socket)
  if (handle === undefined || isOwn(socket) || property(socket, 'server')) return undefined
  // A connection that came from another thread was opened where no guard is: in the clear.
  return Object.getPrototypeOf(handle) === internals().handles.tcp ? null : undefined
}

/** Refuses writes on a socket of one network by code in another. Code that lost its context may write: the socket knows where it goes. */
export function guardWrites(): void {
  const original: unknown = Reflect.get(Socket.prototype, '_writeGeneric')
  if (!isCallable(original)) return
  Reflect.set(Socket.prototype, '_writeGeneric', function writeGeneric(this: Socket, ...args: unknown[]) {
    const user = networkInForce()
    if (user !== undefined) {
      const owner = networkOfSocket(this)
      const done = args[3]
      if (owner !== undefined && owner !== user && typeof done === 'function') {
        const error = crossing('this connection', owner, user)
        process.nextTick(() => void Reflect.apply(done, undefined, [error]))
        return false
      }
    }
    return Reflect.apply(original, this, args)
  })
}
