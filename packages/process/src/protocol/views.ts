/** What code sees of entries, children, policies and tokens, and what it has to say: the data in requests to the kernel. */
import type { Actor, EntryId, Pid } from '@troupe/core'
import type { RestartType } from '../supervisor/strategy.ts'

/** An entry as it was written: placeholders are kept, so that no secret shows. */
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

/** A child of a supervisor, as it is now. */
export interface ChildView {
  readonly id: string
  readonly process: EntryId
  readonly type: 'process' | 'supervisor'
  readonly restart: RestartType
  readonly significant: boolean
  /** Of a process that runs. */
  readonly pid: Pid | undefined
  /** Name of a supervisor that runs. */
  readonly supervisor: string | undefined
}

/** How many children a supervisor has: known, up, and of which type. */
export interface ChildCount {
  readonly specs: number
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

/** A question to the policies of a scope that is not necessarily in force. */
export interface Evaluation {
  readonly scope: readonly EntryId[]
  readonly actor: Actor | undefined
  readonly action: string
  readonly resource: string
  readonly meta: Readonly<Record<string, unknown>>
}

/** A policy, as code sees it. */
export interface PolicyView {
  readonly id: EntryId
  readonly effect: 'allow' | 'deny'
  readonly groups: readonly string[]
}

/** A token that was issued. It is shown here, and never again. */
export interface IssuedToken {
  /** Names it in logs and revocations; it is no secret. */
  readonly id: string
  readonly token: string
  /** Unix time in milliseconds. */
  readonly expires: number
}

/** What a token stands for. */
export interface TokenView {
  readonly id: string
  readonly actor: Actor
  readonly scope: readonly EntryId[]
  readonly meta: Readonly<Record<string, unknown>>
  /** Unix time in milliseconds. */
  readonly expires: number
}
