/** Who comes to a service that knows its visitors by the overlay: each connection has one, for whom all its requests are answered. */
import type { Socket } from 'node:net'
import { emptyFrame, fork, type Frame, type Pid } from '@troupe/core'
import { peerOf } from '@troupe/network'
import { ask, currentRuntime } from '@troupe/process'

export interface Visitor {
  readonly pid: Pid
  /** As the kernel issued it. */
  readonly frame: Frame
}

export class Visitors {
  readonly #known = new WeakMap<Socket, Visitor | Promise<Visitor>>()

  /** Who is at the other end; nobody is where no overlay tells. */
  of(socket: Socket): Visitor | Promise<Visitor> | undefined {
    const known = this.#known.get(socket)
    if (known !== undefined) return known
    const peer = peerOf(socket)
    if (peer === undefined) return undefined
    const found = ask('identify', { peer }).then(({ pid, frame }) => {
      const visitor = { pid, frame: fork(emptyFrame, frame) }
      this.#known.set(socket, visitor)
      const leave = () => {
        currentRuntime().kernel.tell({ type: 'finished', pid, exit: { value: undefined } })
      }
      if (socket.destroyed) leave()
      else socket.once('close', leave)
      return visitor
    })
    this.#known.set(socket, found)
    found.catch(() => this.#known.delete(socket))
    return found
  }
}
