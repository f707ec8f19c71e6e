/** Notifies subscribers of changes that took effect. */
import { type Channel, channel } from 'node:diagnostics_channel'
import { on } from 'node:events'
import type { EntryId } from '@troupe/core'
import type { VersionRecord } from './history.ts'

/** An event of the channel `troupe:registry`, in the program's thread: a version of the registry has taken effect. */
export interface Version {
  /** Number of the version. */
  readonly version: number
  /** Unix time in milliseconds. */
  readonly time: number
  /** The entries that changed; `op` is `create`, `update` or `delete`. */
  readonly changes: readonly {
    /** What happened to the entry. */
    readonly op: 'create' | 'update' | 'delete'
    /** The id of the entry. */
    readonly id: EntryId
    /** The kind of the entry. */
    readonly kind: string
  }[]
}

/** Published with a {@link Version} each time a version has taken effect. */
export const appliedChannel: Channel<object, Version> = channel('troupe:registry')

/** The event `applied`. */
export class AppliedEvent extends Event {
  readonly applied: Version

  constructor(applied: Version) {
    super('applied')
    this.applied = applied
  }
}

export interface AppliedOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal
}

export function versionOf({ version, time, changes }: VersionRecord): Version {
  return {
    version,
    time,
    changes: changes.map(({ op, id, before, after }) => ({ op, id, kind: (after ?? before).kind })),
  }
}

/** Publishes a version that has taken effect. */
export function publish(target: EventTarget, record: VersionRecord): void {
  const applied = versionOf(record)
  if (appliedChannel.hasSubscribers) appliedChannel.publish(applied)
  target.dispatchEvent(new AppliedEvent(applied))
}

/** Yields the events of `target` one by one, until the signal aborts. */
export async function* appliedEvents(target: EventTarget, { signal }: AppliedOptions): AsyncGenerator<Version> {
  try {
    for await (const events of on(target, 'applied', signal ? { signal } : {})) {
      for (const event of Array.isArray(events) ? events : []) if (event instanceof AppliedEvent) yield event.applied
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error
  }
}
