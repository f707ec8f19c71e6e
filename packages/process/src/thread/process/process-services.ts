/** What a thread does for the processes in it. */
import type { Flow } from '../../mailbox/receive-window.ts'
import type { Answer, Letter } from '../../mailbox/message.ts'
import type { Held } from './pending-sends.ts'

/** What all processes of a thread have in common. */
export interface Surroundings<Process> {
  readonly answer: Answer
  readonly onOverflow: (process: Process, letter: Letter) => void
  readonly onFlow: (process: Process, flow: Flow) => void
  /** A letter could not be sent, and the process has ended. */
  readonly onUnsent: (process: Process, held: Held, error: unknown) => void
}
