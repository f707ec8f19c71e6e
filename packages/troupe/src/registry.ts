/** The application's entries, as its code sees them: as they were written, so that no secret shows. */
import { entryId } from '@troupe/core'
import { ask, type EntryView } from '@troupe/process'

export const registry = {
  /** @throws TroupeError `NotFound` */
  async get(id: string): Promise<EntryView> {
    return ask('entry', { id: entryId(id) })
  },

  /** Entries of a kind (`network.*` for all below it), or with these keys in their `meta`. */
  async find(query: { readonly kind?: string; readonly meta?: Readonly<Record<string, unknown>> } = {}): Promise<readonly EntryView[]> {
    return ask('entries', query)
  },
}
