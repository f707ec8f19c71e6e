/** The application's entries, as its code sees and changes them: as they were written, so that no secret shows. */
import { entryId } from '@troupe/core'
import { ask, type EntryView } from '@troupe/process'
import type { Change, Version } from '@troupe/registry'

/**
 * The entries of the running application: reads, changes and versions.
 *
 * @example
 * ```ts
 * const version = await registry.apply([{ op: 'delete', entry: { id: 'app:old' } }])
 * ```
 */
export const registry = {
  /**
   * Returns the entry with this id.
   *
   * @example
   * ```ts
   * const proxy = await registry.get('app:proxy')
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  async get(id: string): Promise<EntryView> {
    return ask('entry', { id: entryId(id) })
  },

  /**
   * Returns the entries of a kind (`network.*` for all kinds with that prefix), or with these keys in their `meta`.
   *
   * @example
   * ```ts
   * const networks = await registry.find({ kind: 'network.*' })
   * ```
   */
  async find(
    query: { readonly kind?: string; readonly meta?: Readonly<Record<string, unknown>> } = {},
  ): Promise<readonly EntryView[]> {
    return ask('entries', query)
  },
  /**
   * Applies a set of changes while the application runs, all or none, and returns the new version. The running parts
   * change with the entries: `docs/registry.md` describes how, for each kind.
   *
   * @example
   * ```ts
   * const entry = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9050 }
   * await registry.apply([{ op: 'update', entry }])
   * ```
   *
   * @throws TroupeError with the reason, with nothing changed: `Invalid` with all problems, `AlreadyExists`,
   *   `NotFound`, `PermissionDenied` for the first entry whose change is denied, or the failure of a change.
   */
  async apply(changes: readonly Change[]): Promise<number> {
    return (await ask('apply', { changes })).version
  },

  /**
   * Returns the number of the current version.
   *
   * @example
   * ```ts
   * const before = await registry.version()
   * ```
   */
  async version(): Promise<number> {
    return (await ask('version', {})).version
  },

  /**
   * Returns the versions that are kept, the oldest first.
   *
   * @example
   * ```ts
   * const versions = await registry.history()
   * ```
   */
  async history(): Promise<readonly Version[]> {
    return ask('history', {})
  },

  /**
   * Restores the entries of an earlier version, as a new version; returns its number.
   *
   * @example
   * ```ts
   * const before = await registry.version()
   * await registry.apply([{ op: 'delete', entry: { id: 'app:old' } }])
   * await registry.rollback(before)
   * ```
   *
   * @throws TroupeError `NotFound` for a version that is no longer kept; like {@link apply}.
   */
  async rollback(version: number): Promise<number> {
    return (await ask('rollback', { version })).version
  },
}
