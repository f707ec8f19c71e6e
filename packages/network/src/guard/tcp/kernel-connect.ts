/** Sockets of sealed threads in the clear network: the kernel connects them. */
import type { Socket } from 'node:net'
import type { ConnectRequest } from '../../dial/network-access.ts'
import { sealedRefusal } from '../../sealed/sealed.ts'
import { connectBy } from './connect-through.ts'
import { type ConnectCall, dialTimeout } from './connect-options.ts'
import { refuseFakeAddress } from '../dns/real-host.ts'
import { dialerOfKernel } from '../../sealed/kernel-driver.ts'
import { takeOver } from '../../handoff/socket-handoff.ts'
import type { Callable } from '../node/patch.ts'

/** Connects `socket`, or returns the reason why that is impossible. */
export function connectByKernel(socket: Socket, call: ConnectCall, original: Callable): unknown {
  const { options } = call
  if (typeof options['path'] === 'string' && options['path'] !== '') {
    return socket.destroy(sealedRefusal('a Unix socket (net.Socket.connect)'))
  }
  return connectBy(
    socket,
    call,
    {
      open: async (target, { signal }) => {
        await refuseFakeAddress(target.host)
        const request: ConnectRequest = { overlay: null, target, ...local(options) }
        return takeOver(await dialerOfKernel().dial(request, { signal, timeout: dialTimeout }))
      },
      unjudged: () => undefined,
      nameOf: (host) => host,
    },
    original,
  )
}

/** The values that Node accepts. */
const families: ReadonlyMap<unknown, 4 | 6> = new Map<unknown, 4 | 6>([
  [4, 4],
  [6, 6],
  ['IPv4', 4],
  ['IPv6', 6],
])

function local({
  family,
  localAddress,
  localPort,
}: ConnectCall['options']): Pick<ConnectRequest, 'family' | 'localAddress' | 'localPort'> {
  const wanted = families.get(family)
  return {
    ...(wanted !== undefined && { family: wanted }),
    ...(typeof localPort === 'number' && localPort !== 0 && { localPort }),
    ...(typeof localAddress === 'string' && localAddress !== '' && { localAddress }),
  }
}
