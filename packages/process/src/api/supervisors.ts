/** The children of `process.supervisor` entries at run time. */
import type { Pid } from '@troupe/core'
import type { ChildCount, ChildView } from '../protocol/kernel-thread.ts'
import { snapshotArguments } from '../mailbox/payload.ts'
import { ask } from '../thread/current.ts'

/** A child to add, like those in the entry's `children`. */
export interface ChildOptions {
  /** Name within the supervisor. Its process goes by `<supervisor>/<id>`. */
  readonly id: string
  /** Id of a `process.ts`, or of another `process.supervisor`. */
  readonly process: string
  /** Id of the host that it runs in. @default the supervisor's */
  readonly host?: string
  /** Arguments of its method. */
  readonly input?: readonly unknown[]
  /** @default permanent */
  readonly restart?: 'permanent' | 'transient' | 'temporary'
  /** @default false */
  readonly significant?: boolean
  /** A duration such as `5s`, `brutal_kill` or `infinity`. @default 5s, a supervisor's infinity */
  readonly shutdown?: string
}

/**
 * Supervisors go by the id of their entry; one that is a child of another by `<parent>/<id>`; a partition by `<supervisor>/<number>`.
 * All of these throw `NotFound` for a supervisor that does not run.
 */
export const supervisors = {
  /**
   * Adds a child and starts it, as the last.
   *
   * @throws TroupeError `AlreadyExists` for an id that is taken, `Invalid`, and what kept the child from starting: then it is not kept.
   */
  async startChild(supervisor: string, child: ChildOptions): Promise<ChildView> {
    const { input = [], ...spec } = child
    return ask('startChild', { supervisor, child: { ...spec, input: snapshotArguments(input) } })
  },

  /** Stops a child within its `shutdown` time. It does not come back by itself; a temporary one is forgotten. @throws TroupeError `NotFound` */
  async terminateChild(supervisor: string, child: string): Promise<void> {
    await ask('terminateChild', { supervisor, child })
  },

  /** Starts a child that does not run. @throws TroupeError `NotFound`, `Conflict` when it runs, and what keeps it from starting. */
  async restartChild(supervisor: string, child: string): Promise<ChildView> {
    return ask('restartChild', { supervisor, child })
  },

  /** Forgets a child that does not run. @throws TroupeError `NotFound`, `Conflict` when it runs. */
  async deleteChild(supervisor: string, child: string): Promise<void> {
    await ask('deleteChild', { supervisor, child })
  },

  /** Its children, in the order of their start. */
  async whichChildren(supervisor: string): Promise<readonly ChildView[]> {
    return ask('whichChildren', { supervisor })
  },

  async countChildren(supervisor: string): Promise<ChildCount> {
    return ask('countChildren', { supervisor })
  },

  /**
   * The process that a key belongs to, in a supervisor with `partitions`: the same key, the same partition.
   *
   * @param child id of the child within the partition. @default the first
   * @throws TroupeError `Unavailable` while that process does not run, `Invalid` for a supervisor without partitions.
   */
  async partition(supervisor: string, key: string | number, child?: string): Promise<Pid> {
    return ask('partition', { supervisor, key, ...(child !== undefined && { child }) })
  },
}
