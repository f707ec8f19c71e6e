/** Look-ups through an overlay, and its associations for datagrams, as events. */
import type { EntryId } from '@troupe/core'
import { channel } from 'node:diagnostics_channel'

/** An event of the channel `troupe:overlay:use`: a look-up has ended, or an association for datagrams has begun. */
export interface UseEvent {
  /** The entry of the overlay. */
  readonly overlay: EntryId
  /** What was used, such as `the name web.test`. */
  readonly what: string
  /** Why it failed; absent when it succeeded. */
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
