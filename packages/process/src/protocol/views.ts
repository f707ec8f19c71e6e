/**
 * Views of entries, children and policies for code, and the matching request data: the data in requests to the kernel.
 */
import type { Actor, EntryId, Pid } from '@troupe/core'
import type { RestartType } from '../supervisor/strategy.ts'

/** An entry as it was written. Placeholders are kept, so that no secret is shown. */
export interface EntryView {
  readonly id: EntryId
  readonly kind: string
  readonly meta: Readonly<Record<string, unknown>>
  readonly fields: Readonly<Record<string, unknown>>
}

/** A child of a `process.supervisor`. */
export interface ChildAddress {
  /** Name of the supervisor: the id of its entry, or `<parent>/<id>` for one that is a child itself. */
  readonly supervisor: string
  /** Id of the child within it. */
  readonly child: string
}

/** A child of a supervisor in its current state. */
export interface ChildView {
  readonly id: string
  readonly process: EntryId
  readonly type: 'process' | 'supervisor'
  readonly restart: RestartType
  readonly significant: boolean
  /** Set while a process runs. */
  readonly pid: Pid | undefined
  /** Name of a running supervisor. */
  readonly supervisor: string | undefined
}

/** Number of children of a supervisor: known, running, and by type. */
export interface ChildCount {
  readonly specs: number
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

/** A query to the policies of a scope that is not necessarily in force. */
export interface Evaluation {
  readonly scope: readonly EntryId[]
  readonly actor: Actor | undefined
  readonly action: string
  readonly resource: string
  readonly meta: Readonly<Record<string, unknown>>
}

/** A policy, as shown to code. */
export interface PolicyView {
  /** The id of the policy. */
  readonly id: EntryId
  /** What it decides where it applies. */
  readonly effect: 'allow' | 'deny'
  /** The groups that it is in. */
  readonly groups: readonly string[]
}
