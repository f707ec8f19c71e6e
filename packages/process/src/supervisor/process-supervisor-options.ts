/** What a supervisor of processes is created from. */
import type { Clock, EntryId, Log } from '@troupe/core'
import type { ChildSpec } from '../config/supervisor-kind.ts'
import type { RunningChild } from './children.ts'
import type { Rules } from './strategy.ts'

export interface ProcessSupervisorOptions {
  /** Its name: `app:workers`, and `app:workers/db` for a child that is a supervisor. */
  readonly name: string
  readonly rules: Rules
  readonly children: readonly ChildSpec[]
  readonly clock: Clock
  /** Starts a child; rejects when it does not start. */
  readonly start: (spec: ChildSpec) => Promise<RunningChild>
  readonly isSupervisor: (process: EntryId) => boolean
  readonly log: Log
}
