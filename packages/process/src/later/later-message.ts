/** A message that is sent at a later time. */
import type { Frame, Pid } from '@troupe/core'
import type { Network } from '../kernel/network/networks.ts'

export interface LaterMessage {
  /** Pid, or name, of the receiver; a name is looked up when the message is sent. */
  readonly to: string
  readonly topic: string
  /** In the form of `payload.ts`. */
  readonly payload: unknown
  /** The sender, which may have ended. */
  readonly from: Pid
  /** The sender's frame: policies decide for it when the message is sent. */
  readonly acting: Frame
  /** The frame that the receiver sees. */
  readonly frame: Frame
  /** The sender's network, from which the receiver must accept messages. */
  readonly network: Network
}
