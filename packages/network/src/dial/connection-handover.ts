/** Connections that continue in another socket: what is known of the first socket, and its observers, follow. */
import type { Socket } from 'node:net'

const watchers = new WeakMap<Socket, (to: Socket) => void>()
const isolated = new WeakSet<Socket>()

/** Calls `fn` each time the connection of `socket` continues in another one. */
export function followConnection(socket: Socket, fn: (to: Socket) => void): void {
  watchers.set(socket, fn)
}

/** Reports that the connection of `from` continues in `to`. */
export function notifyFollower(from: Socket, to: Socket): void {
  if (isolated.has(from)) isolated.add(to)
  const fn = watchers.get(from)
  if (fn === undefined) return
  watchers.delete(from)
  watchers.set(to, fn)
  fn(to)
}

/**
 * Marks a connection that is isolated from all others of its overlay, such as one on a circuit of its own. A TLS
 * session of another connection would link the two.
 */
export function markIsolated(socket: Socket): void {
  isolated.add(socket)
}

/** Whether no TLS session may be resumed on the connection of `socket`, nor one of it on another connection. */
export function isIsolated(socket: Socket): boolean {
  return isolated.has(socket)
}
