/** The services of a thread for its processes. */
import type { ReceiveWindow } from '../../mailbox/reservations.ts'
import type { Envelope, MessageServices } from '../../mailbox/message.ts'
import type { PendingSend } from './pending-sends.ts'

/** The services shared by all processes of a thread. */
export interface ProcessServices<Process> extends MessageServices {
  readonly onOverflow: (process: Process, envelope: Envelope) => void
  readonly onFlow: (process: Process, receiveWindow: ReceiveWindow) => void
  /** A message could not be sent, and the process has ended. */
  readonly onUnsent: (process: Process, held: PendingSend, error: unknown) => void
}
