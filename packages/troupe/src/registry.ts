/** The application's entries, as its code sees and changes them: as they were written, so that no secret shows. */
import { entryId } from '@troupe/core'
import { ask, type EntryView } from '@troupe/process'
import type { Change, Version } from '@troupe/registry'

export const registry = {
  /** Returns the entry with this id. @throws TroupeError `NotFound` */
  async get(id: string): Promise<EntryView> {
    return ask('entry', { id: entryId(id) })
  },

  /** Returns the entries of a kind (`network.*` for all kinds with that prefix), or with these keys in their `meta`. */
  async find(query: { readonly kind?: string; readonly meta?: Readonly<Record<string, unknown>> } = {}): Promise<readonly EntryView[]> {
    return ask('entries', query)
  },
  /**
   * Carries out a set of changes while the application runs, all or none, and returns the new version. What runs changes with it:
   * `docs/registry.md` says how, for each kind.
   *
   * @example
   * ```ts
   * await registry.apply([{ op: 'update', entry: { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9050 } }])
   * ```
   *
   * @throws TroupeError with the reason, and everything is as it was: `Invalid` with all that would be wrong, `AlreadyExists`, `NotFound`,
   * `PermissionDenied` for the first entry that may not be changed, or what kept a change from being carried out.
   */
  async apply(changes: readonly Change[]): Promise<number> {
    return (await ask('apply', { changes })).version
  },

  /** Returns the number of the current version. */
  async version(): Promise<number> {
    return (await ask('version', {})).version
  },

  /** Returns the versions that are kept, the oldest first. */
  async history(): Promise<readonly Version[]> {
    return ask('history', {})
  },

  /**
   * Restores the entries of an earlier version, as a new version; returns its number.
   *
   * @throws TroupeError `NotFound` for a version that is no longer kept; like {@link apply}.
   */
  async rollback(version: number): Promise<number> {
    return (await ask('rollback', { version })).version
  },
}
