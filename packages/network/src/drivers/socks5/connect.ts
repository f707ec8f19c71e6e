/** Thread side of `network.socks5`: connections through the proxy, on sockets of this thread (RFC 1928). */
import type { Driver } from '../../overlay/overlay.ts'
import { sendRequest } from './request.ts'
import { destinationOf, formatTarget } from '../target.ts'
import { Failures } from './errors.ts'
import { isolatesConnections } from './isolation.ts'
import { commands } from './messages.ts'
import { proxyHealthOf } from './proxy-health.ts'
import { resolve, reverse } from './resolve.ts'
import { proxiesOf, socks5 } from './route.ts'
import { associate } from './udp.ts'

/**
 * Dials through a SOCKS5 proxy. The target's name is always sent to the proxy as a name. The only name that this
 * machine resolves is the proxy's host, if the operator configured a name and no other overlay leads to the proxy.
 */
export const socks5Driver: Driver = {
  name: socks5,
  async dial(route, target, options, hop) {
    const destination = destinationOf(target)
    const text = formatTarget(destination)
    const failures = new Failures(route.overlay, `a connection to ${text}`, text)
    const { socket } = await sendRequest(route, { command: commands.connect, destination, failures }, options, hop)
    return socket
  },
  poolKey: (route, { process = '' }) => (proxiesOf(route).isolate?.by === 'process' ? process : ''),
  isolatesConnections(route, isolation) {
    const { isolate } = proxiesOf(route)
    return isolate !== undefined && isolatesConnections(isolate, isolation)
  },
  resolve,
  reverse,
  associate,
  entrances: (route) => proxyHealthOf(route.overlay).view(proxiesOf(route)),
}
