/** Starts processes, as applications see it. */
import type { Actor, Pid } from '@troupe/core'
import type { ArgumentsOf, IdIn, ProcessEntries, ResultOf } from '@troupe/core/entries'
import type { Scope } from '@troupe/policy'
import type { CallOptions } from './call-options.ts'

/** Starts a process. Of ids that `entries.d.ts` knows (`troupe types` writes it), the compiler checks the arguments. */
export type Spawn = <Id extends IdIn<ProcessEntries>>(id: Id, host: string, ...args: ArgumentsOf<ProcessEntries, Id>) => Promise<Pid>

/** Starts processes in a frame that `with…` can change. Immutable: each `with…` returns a new one. */
export interface Spawner {
  /** A spawner that chooses more. */
  readonly withOptions: (options: CallOptions) => Spawner
  /** Adds values to the frame. */
  readonly withContext: (values: Readonly<Record<string, unknown>>) => Spawner
  /** Lets it act for `actor`. Unless given one, a spawned process has that of a parent that policies govern, and else none. */
  readonly withActor: (actor: Actor) => Spawner
  /** Puts policies in force for it. */
  readonly withScope: (scope: Scope) => Spawner
  /** Registers it under a name before it starts. */
  readonly withName: (name: string) => Spawner
  /** A message that it finds in its mailbox when it starts. */
  readonly withMessage: (topic: string, payload?: unknown) => Spawner
  /**
   * Starts a process of entry `id` in `host`. Resolves once it has a thread.
   *
   * @throws TroupeError `NotFound` for an unknown entry, host or overlay, `PermissionDenied`, `Unavailable` when the host is full, `Invalid`
   * for arguments that cannot be cloned.
   */
  readonly spawn: Spawn
  /** Like `spawn`; its end arrives as an EXIT event. */
  readonly spawnMonitored: Spawn
  /** Like `spawn`; the end of either with an error ends the other. */
  readonly spawnLinked: Spawn
  /** Both. */
  readonly spawnLinkedMonitored: Spawn
  /**
   * Runs a process to its end and returns what it returned.
   *
   * @throws what it threw; `Timeout` or `Canceled` when `withOptions` said so, after terminating it.
   */
  readonly exec: <Id extends IdIn<ProcessEntries>>(
    id: Id,
    host: string,
    ...args: ArgumentsOf<ProcessEntries, Id>
  ) => Promise<ResultOf<ProcessEntries, Id>>
}
