/** The identities of peers, for services with `identity`: each connection has one, under which all its requests run. */
import type { Socket } from 'node:net'
import { emptyFrame, fork, type Frame, type Pid } from '@troupe/core'
import { peerOf } from '@troupe/network'
import { ask, currentRuntime } from '@troupe/process'

export interface PeerIdentity {
  readonly pid: Pid
  /** The frame that the kernel issued. */
  readonly frame: Frame
}

export class PeerIdentities {
  readonly #known = new WeakMap<Socket, PeerIdentity | Promise<PeerIdentity>>()

  /** Returns the identity at the other end; undefined where no overlay reports one. */
  of(socket: Socket): PeerIdentity | Promise<PeerIdentity> | undefined {
    const known = this.#known.get(socket)
    if (known !== undefined) return known
    const peer = peerOf(socket)
    if (peer === undefined) return undefined
    const found = ask('identify', { peer }).then(({ pid, frame }) => {
      const peerIdentity = { pid, frame: fork(emptyFrame, frame) }
      this.#known.set(socket, peerIdentity)
      const leave = () => {
        currentRuntime().kernel.notify({ type: 'finished', pid, exit: { value: undefined } })
      }
      if (socket.destroyed) leave()
      else socket.once('close', leave)
      return peerIdentity
    })
    this.#known.set(socket, found)
    found.catch(() => this.#known.delete(socket))
    return found
  }
}
