import type { Frame, Pid } from '@troupe/core'
import type { Packed, Transfer } from '../../mailbox/payload.ts'

/** A message to send. */
export interface Outgoing {
  readonly to: Pid
  readonly topic: string
  readonly payload: unknown
  readonly frame: Frame
  readonly transfer: Transfer
  /** The payload, if it was packed before the pid was known. */
  readonly packed?: Packed
}
