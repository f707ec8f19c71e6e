/** Connections that continue in another socket: observers of the first socket follow it. */
import type { Socket } from 'node:net'

const watchers = new WeakMap<Socket, (to: Socket) => void>()

/** Calls `fn` each time the connection of `socket` continues in another one. */
export function followConnection(socket: Socket, fn: (to: Socket) => void): void {
  watchers.set(socket, fn)
}

/** Reports that the connection of `from` continues in `to`. */
export function notifyFollower(from: Socket, to: Socket): void {
  const fn = watchers.get(from)
  if (fn === undefined) return
  watchers.delete(from)
  watchers.set(to, fn)
  fn(to)
}
