/** Look-ups through an overlay, and its associations for datagrams, as events. */
import type { EntryId } from '@troupe/core'
import { channel } from 'node:diagnostics_channel'

/** An event of the channel `troupe:overlay:use`: a look-up or the begin of an association has ended. */
export interface UseEvent {
  readonly overlay: EntryId
  /** Such as `the name web.test`. */
  readonly what: string
  /** Absent when it succeeded. */
  readonly error?: unknown
}

const uses = channel('troupe:overlay:use')

/** Publishes how `use` ended, and returns or throws the same. */
export async function publishedUse<T>(overlay: EntryId, what: string, use: () => Promise<T>): Promise<T> {
  try {
    const result = await use()
    if (uses.hasSubscribers) uses.publish({ overlay, what } satisfies UseEvent)
    return result
  } catch (error) {
    if (uses.hasSubscribers) uses.publish({ overlay, what, error } satisfies UseEvent)
    throw error
  }
}
