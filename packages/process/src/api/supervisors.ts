/** Changes and lists the children of `process.supervisor` entries at run time. */
import type { Pid } from '@troupe/core'
import type { ChildCount, ChildView } from '../protocol/views.ts'
import { snapshotArguments } from '../mailbox/payload.ts'
import { ask } from '../thread/current.ts'

/** A child to add, with the fields of the entry's `children`. */
export interface ChildOptions {
  /** Name within the supervisor. Its process is registered as `<supervisor>/<id>`. */
  readonly id: string
  /** Id of a `process.ts`, or of another `process.supervisor`. */
  readonly process: string
  /** Id of the host in which it runs. @default the supervisor's */
  readonly host?: string
  /** Arguments of its method. */
  readonly input?: readonly unknown[]
  /** When it is restarted. @default permanent */
  readonly restart?: 'permanent' | 'transient' | 'temporary'
  /** Whether `auto_shutdown` depends on it. @default false */
  readonly significant?: boolean
  /** A duration such as `5s`, `brutal_kill` or `infinity`. @default 5s; infinity for a supervisor */
  readonly shutdown?: string
}

/**
 * Operations on running supervisors. A supervisor has the id of its entry as its name; a child supervisor
 * `<parent>/<id>`; a partition `<supervisor>/<number>`. All operations throw `NotFound` for a supervisor that does not
 * run.
 */
export const supervisors = {
  /**
   * Adds a child after the others and starts it.
   *
   * @example
   * ```ts
   * const child = await processes.supervisors.startChild('app:crawlers', { id: 'news', process: 'app:crawler' })
   * ```
   *
   * @throws TroupeError `AlreadyExists` for an id that is in use; `Invalid`; and the error that prevented the start. In
   * that case the child is not kept.
   */
  async startChild(supervisor: string, child: ChildOptions): Promise<ChildView> {
    const { input = [], ...spec } = child
    return ask('startChild', { supervisor, child: { ...spec, input: snapshotArguments(input) } })
  },

  /**
   * Stops a child within its `shutdown` time. The supervisor does not restart it by itself, and removes it when it is
   * temporary.
   *
   * @example
   * ```ts
   * await processes.supervisors.terminateChild('app:crawlers', 'news')
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  async terminateChild(supervisor: string, child: string): Promise<void> {
    await ask('terminateChild', { supervisor, child })
  },

  /**
   * Starts a child that does not run.
   *
   * @example
   * ```ts
   * await processes.supervisors.restartChild('app:crawlers', 'news')
   * ```
   *
   * @throws TroupeError `NotFound`; `Conflict` when it runs; and the error that prevented the start.
   */
  async restartChild(supervisor: string, child: string): Promise<ChildView> {
    return ask('restartChild', { supervisor, child })
  },

  /**
   * Removes a child that does not run.
   *
   * @example
   * ```ts
   * await processes.supervisors.terminateChild('app:crawlers', 'news')
   * await processes.supervisors.deleteChild('app:crawlers', 'news')
   * ```
   *
   * @throws TroupeError `NotFound`; `Conflict` when it runs.
   */
  async deleteChild(supervisor: string, child: string): Promise<void> {
    await ask('deleteChild', { supervisor, child })
  },

  /**
   * Returns the children of which the caller may know, in start order.
   *
   * @example
   * ```ts
   * const children = await processes.supervisors.whichChildren('app:crawlers')
   * log.info(children.map(({ id }) => id).join(', '))
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  async whichChildren(supervisor: string): Promise<readonly ChildView[]> {
    return ask('whichChildren', { supervisor })
  },

  /**
   * Returns the number of children, by state and type.
   *
   * @example
   * ```ts
   * const counts = await processes.supervisors.countChildren('app:crawlers')
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  async countChildren(supervisor: string): Promise<ChildCount> {
    return ask('countChildren', { supervisor })
  },

  /**
   * Returns the process to which a key belongs, in a supervisor with `partitions`. The same key always gives the same
   * partition.
   *
   * @example
   * ```ts
   * const cart = await processes.supervisors.partition('app:carts', 'ann')
   * await processes.send(cart, 'add', { article: 7 })
   * ```
   *
   * @param child id of the child within the partition. @default the first
   * @throws TroupeError `Unavailable` while that process does not run; `Invalid` for a supervisor without partitions.
   */
  async partition(supervisor: string, key: string | number, child?: string): Promise<Pid> {
    return ask('partition', { supervisor, key, ...(child !== undefined && { child }) })
  },
}
