/** What a thread does for the processes in it. */
import type { ReceiveWindow } from '../../mailbox/receive-window.ts'
import type { ReplySender, Envelope } from '../../mailbox/message.ts'
import type { PendingSend } from './pending-sends.ts'

/** What all processes of a thread have in common. */
export interface ProcessServices<Process> {
  readonly answer: ReplySender
  readonly onOverflow: (process: Process, envelope: Envelope) => void
  readonly onFlow: (process: Process, receiveWindow: ReceiveWindow) => void
  /** A message could not be sent, and the process has ended. */
  readonly onUnsent: (process: Process, held: PendingSend, error: unknown) => void
}
