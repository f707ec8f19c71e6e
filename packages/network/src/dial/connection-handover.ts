/** Connections that go on in another socket: what watches one follows it. */
import type { Socket } from 'node:net'

const watchers = new WeakMap<Socket, (to: Socket) => void>()

/** Has `fn` called each time the connection of `socket` goes on in another one. */
export function followConnection(socket: Socket, fn: (to: Socket) => void): void {
  watchers.set(socket, fn)
}

/** Says that the connection of `from` goes on in `to`. */
export function notifyFollower(from: Socket, to: Socket): void {
  const fn = watchers.get(from)
  if (fn === undefined) return
  watchers.delete(from)
  watchers.set(to, fn)
  fn(to)
}
