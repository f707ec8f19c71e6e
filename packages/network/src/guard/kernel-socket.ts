/** Sockets of sealed threads in the clear network: the kernel connects them. */
import type { Socket } from 'node:net'
import { sealedRefusal } from '../sealed/sealed.ts'
import { connectBy } from './carry.ts'
import type { ConnectCall } from './connect-options.ts'
import { refuseFakeAddress } from './real-host.ts'
import { openClear } from './routes.ts'
import type { Callable } from './wrap.ts'

/** Connects `socket`, or answers why that cannot be. */
export function connectByKernel(socket: Socket, call: ConnectCall, original: Callable): unknown {
  const { options } = call
  if (typeof options['path'] === 'string' && options['path'] !== '') {
    return socket.destroy(sealedRefusal('a Unix socket (net.Socket.connect)'))
  }
  return connectBy(
    socket,
    call,
    {
      open: async (target, signal) => {
        await refuseFakeAddress(target.host)
        return openClear({ target, ...local(options) }, signal)
      },
      unjudged: () => undefined,
      nameOf: (host) => host,
    },
    original,
  )
}

function local({ family, localAddress }: ConnectCall['options']): { family?: 4 | 6; localAddress?: string } {
  return {
    ...((family === 4 || family === 6) && { family }),
    ...(typeof localAddress === 'string' && { localAddress }),
  }
}
