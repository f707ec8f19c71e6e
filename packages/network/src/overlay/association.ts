/** A way for datagrams through an overlay. */
import type { EventEmitter } from 'node:events'
import type { Target } from './target.ts'

export interface AssociationEvents {
  /** A datagram has come, from the address (or name) that the overlay tells. */
  message: [data: Buffer, from: Target]
  /** It is over: closed here (`undefined`), or cut by the overlay. */
  close: [error: Error | undefined]
}

/** Listeners attached in the turn in which the promise of it resolved miss nothing. */
export interface Association extends EventEmitter<AssociationEvents>, Disposable {
  /** Where others send to it, in an overlay in which it has an address of its own. */
  readonly address?: Target
  /**
   * Sends one datagram. Like any datagram it may be lost; the promise tells that it has left this machine.
   *
   * @throws TroupeError `Invalid` for an impossible target or a datagram that is too long, `Unavailable` when it is over.
   */
  send(data: Uint8Array, target: Target): Promise<void>
  /** Ends it. */
  close(): void
}
