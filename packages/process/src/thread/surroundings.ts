/** What a thread does for the processes in it. */
import type { Flow } from '../mailbox/flow.ts'
import type { Answer, Letter } from '../mailbox/letter.ts'
import type { LocalProcess } from './local-process.ts'
import type { Held } from './outbox.ts'

/** What all processes of a thread have in common. */
export interface Surroundings {
  readonly answer: Answer
  readonly onOverflow: (process: LocalProcess, letter: Letter) => void
  readonly onFlow: (process: LocalProcess, flow: Flow) => void
  /** A letter could not be sent, and the process has ended. */
  readonly onUnsent: (process: LocalProcess, held: Held, error: unknown) => void
}
