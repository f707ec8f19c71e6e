/** What a process is created from. */
import type { Frame, Pid } from '@troupe/core'
import type { Accepts, Program } from '../../protocol/programs.ts'
import type { ParticipantRuntime } from '../participant.ts'
import type { LocalSpawn } from '../local-spawns.ts'
import type { ProcessServices } from './process-services.ts'

/** @typeParam Process - The class of processes. */
export interface LocalProcessOptions<Process> {
  readonly pid: Pid
  readonly runtime: ParticipantRuntime | undefined
  readonly program: Program
  readonly frame: Frame
  readonly queueSize: number
  readonly accepts: Accepts
  /** Milliseconds without a message, after which it is asked to stop. @default never */
  readonly idleTimeout?: number | undefined
  readonly services: ProcessServices<Process>
  /** The data to report to the kernel, if it does not know the process yet. */
  readonly localSpawn: LocalSpawn | undefined
}
