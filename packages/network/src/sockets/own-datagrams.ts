/**
 * Datagram sockets of drivers. They send to a proxy or router that the operator configured, outside the overlay that
 * they carry. No other code gets a reference to one.
 */
import { createSocket, type Socket } from 'node:dgram'
import { property, symbolOf } from './internals.ts'
import { systemLookup } from './own-sockets.ts'

/** The sockets, and their native handles. */
const own = new WeakSet<object>()

export function ownDatagrams(type: 'udp4' | 'udp6'): Socket {
  const socket = createSocket({ type, lookup: systemLookup })
  own.add(socket)
  const handle = property(property(socket, symbolOf(socket, 'state symbol', 'dgram.Socket')), 'handle')
  if (typeof handle === 'object' && handle !== null) own.add(handle)
  return socket
}

/** Whether `socket` is a socket of {@link ownDatagrams}, or its native handle. */
export function isOwnDatagrams(socket: object): boolean {
  return own.has(socket)
}
