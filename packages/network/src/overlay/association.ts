/** An association for datagrams through an overlay. */
import type { EventEmitter } from 'node:events'
import type { Target } from './target.ts'

/** Events of an {@link Association}. */
export interface AssociationEvents {
  /** A datagram arrived, from the address (or name) that the overlay reports. */
  message: [data: Buffer, from: Target]
  /** The association has ended: closed by this side (`undefined`), or by the overlay. */
  close: [error: Error | undefined]
}

/**
 * Listeners that are attached in the turn in which its promise resolved miss no event. It does not keep its thread
 * alive.
 */
export interface Association extends EventEmitter<AssociationEvents>, Disposable {
  /** The address at which peers send to it, in an overlay that gives it one. */
  readonly address?: Target
  /**
   * Sends one datagram. Like any datagram it may be lost; the promise resolves when it has left this machine.
   *
   * @throws TroupeError `Invalid` for an impossible target or a datagram that is too long, `Unavailable` after the
   *   association ended.
   */
  send(data: Uint8Array, target: Target): Promise<void>
  /** Ends the association. */
  close(): void
}
