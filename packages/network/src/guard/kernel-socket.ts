/** Sockets of sealed threads in the clear network: the kernel connects them. */
import dns from 'node:dns'
import { BlockList, isIP, type Socket } from 'node:net'
import { sealedRefusal } from '../sealed/sealed.ts'
import { connectBy, placeholder, type Way } from './carry.ts'
import type { ConnectCall } from './connect-options.ts'
import { openClear } from './routes.ts'
import { type Callable, isCallable } from './wrap.ts'

/** Connects `socket`, or answers why that cannot be. */
export function connectByKernel(socket: Socket, call: ConnectCall, original: Callable): unknown {
  const { options } = call
  if (typeof options['path'] === 'string' && options['path'] !== '') {
    return socket.destroy(sealedRefusal('a Unix socket (net.Socket.connect)'))
  }
  const host = typeof options['host'] === 'string' && options['host'] !== '' ? options['host'] : 'localhost'
  const named = { host, port: Number(options['port']) }
  // Where user code has a say in which address it is, Node asks it, and the kernel gets the address.
  const { lookup } = options
  const resolver = isCallable(lookup) && lookup !== dns.lookup ? later(lookup) : undefined
  const asksUser = resolver !== undefined || BlockList.isBlockList(options['blockList'])
  const way: Way = {
    target: (address) => (asksUser ? { ...named, host: address } : named),
    open: async (target, signal) => openClear({ target, ...local(options) }, signal),
  }
  const given = asksUser || isIP(host) !== 0 ? {} : { host: placeholder }
  return connectBy(
    socket,
    call,
    { ...options, ...given, lookup: resolver, localAddress: undefined, localPort: undefined, autoSelectFamily: false },
    way,
    original,
  )
}

/** A resolver that answers in a later turn, when the handle is in our hands. */
function later(lookup: Callable): Callable {
  return (name, options, done) => {
    return lookup(name, options, (...found: readonly unknown[]) => {
      if (isCallable(done)) process.nextTick(done, ...found)
    })
  }
}

function local({ family, localAddress }: ConnectCall['options']): { family?: 4 | 6; localAddress?: string } {
  return {
    ...((family === 4 || family === 6) && { family }),
    ...(typeof localAddress === 'string' && { localAddress }),
  }
}
