/** The interface with which applications start processes. */
import type { Actor, Pid } from '@troupe/core'
import type { HostId, PidOf, ProcessArguments, ProcessId, ProcessResult } from '@troupe/core/entries'
import type { Scope } from '@troupe/policy'
import type { Exit } from '../thread/process/event-queue.ts'
import type { CallOptions } from './call-options.ts'

/**
 * Starts a process. With `entries.d.ts` (written by `troupe types`), the compiler checks ids and arguments, and the pid
 * has the messages of the process.
 *
 * @param id - The id of an entry of the kind `process.ts`.
 * @param host - The id of an entry of the kind `process.host`, which runs.
 * @param args - The arguments of its function. They are copied.
 * @returns the pid.
 */
export type Spawn = <const Id extends string, const Host extends string>(
  id: ProcessId<Id>,
  host: HostId<Host>,
  ...args: ProcessArguments<Id>
) => Promise<PidOf<Id>>

/** A process, and how it ends. */
export interface WatchedProcess<P extends Pid = Pid> {
  /** Its pid. */
  readonly pid: P
  /** Resolves when the process has ended. */
  readonly exited: Promise<Exit>
}

/** Starts processes in a frame that `with…` can change. Immutable: each `with…` returns a new one. */
export interface Spawner {
  /**
   * Returns a spawner with these options added.
   *
   * @example
   * ```ts
   * const fetcher = processes.withOptions({ network: 'app:tor', timeout: '30s' })
   * await fetcher.exec('app:fetch', 'app:threads', 'https://example.org/')
   * ```
   */
  readonly withOptions: <const Network extends string>(options: CallOptions<Network>) => Spawner
  /**
   * Returns a spawner that adds values to the frame.
   *
   * @example
   * ```ts
   * await processes.withContext({ order: 7 }).spawn('app:mailer', 'app:threads')
   * ```
   */
  readonly withContext: (values: Readonly<Record<string, unknown>>) => Spawner
  /**
   * Returns a spawner whose process acts for `actor`. Without it, a spawned process has the actor of its parent if
   * policies govern the parent, and otherwise none.
   *
   * @example
   * ```ts
   * await processes.withActor(security.newActor('ann')).spawn('app:mailer', 'app:threads')
   * ```
   */
  readonly withActor: (actor: Actor) => Spawner
  /**
   * Returns a spawner that puts policies in force for the process.
   *
   * @example
   * ```ts
   * await processes.withScope(await security.namedScope('readers')).spawn('app:mailer', 'app:threads')
   * ```
   */
  readonly withScope: (scope: Scope) => Spawner
  /**
   * Returns a spawner that registers the process under a name before it starts.
   *
   * @example
   * ```ts
   * await processes.withName('mailer').spawn('app:mailer', 'app:threads')
   * await processes.send('mailer', 'mail', { to: 'ann@example.org' })
   * ```
   */
  readonly withName: (name: string) => Spawner
  /**
   * Returns a spawner whose process finds this message in its mailbox when it starts.
   *
   * @example
   * ```ts
   * await processes.withMessage('mail', { to: 'ann@example.org' }).spawn('app:mailer', 'app:threads')
   * ```
   */
  readonly withMessage: (topic: string, payload?: unknown) => Spawner
  /**
   * Starts a process of entry `id` in `host`. Resolves once it has a thread.
   *
   * @example
   * ```ts
   * const mailer = await processes.spawn('app:mailer', 'app:threads', 'smtp.example.org')
   * await processes.send(mailer, 'mail', { to: 'ann@example.org' })
   * ```
   *
   * @throws TroupeError `NotFound` for an unknown entry, host or overlay; `PermissionDenied`; `Unavailable` when the
   * host is full or does not run; `Invalid` for arguments that cannot be cloned, an id of another kind, and outside an
   * application; `Canceled` when the signal of `withOptions` has aborted.
   */
  readonly spawn: Spawn
  /**
   * Like `spawn`; the end of the process arrives as an EXIT event.
   *
   * @example
   * ```ts
   * const mailer = await processes.spawnMonitored('app:mailer', 'app:threads')
   * for await (const event of self.events) {
   *   if (event.type === 'EXIT' && event.from === mailer) log.info({ result: event.result }, 'the mailer ended')
   * }
   * ```
   */
  readonly spawnMonitored: Spawn
  /**
   * Like `spawn`, for programs and functions, too: the result has a promise of the exit. It is watched from its start,
   * so that an early end is not missed.
   *
   * @example
   * ```ts
   * const { pid, exited } = await processes.spawnWatched('app:mailer', 'app:threads')
   * await processes.cancel(pid)
   * const exit = await exited
   * if ('error' in exit) log.error(exit.error)
   * ```
   */
  readonly spawnWatched: <const Id extends string, const Host extends string>(
    id: ProcessId<Id>,
    host: HostId<Host>,
    ...args: ProcessArguments<Id>
  ) => Promise<WatchedProcess<PidOf<Id>>>
  /**
   * Like `spawn`; when either process ends with an error, the other ends too.
   *
   * @example
   * ```ts
   * await processes.spawnLinked('app:mailer', 'app:threads')
   * ```
   */
  readonly spawnLinked: Spawn
  /**
   * Like `spawn`, linked and monitored.
   *
   * @example
   * ```ts
   * self.setOptions({ trapLinks: true })
   * await processes.spawnLinkedMonitored('app:mailer', 'app:threads')
   * ```
   */
  readonly spawnLinkedMonitored: Spawn
  /**
   * Runs a process to its end and returns its result.
   *
   * @example
   * ```ts
   * const page = await processes.exec('app:fetch', 'app:threads', 'https://example.org/')
   * ```
   *
   * @throws The error that the process threw; `Timeout` or `Canceled` as set in `withOptions`, after the process was
   * terminated.
   */
  readonly exec: <const Id extends string, const Host extends string>(
    id: ProcessId<Id>,
    host: HostId<Host>,
    ...args: ProcessArguments<Id>
  ) => Promise<ProcessResult<Id>>
}
