/** Handlers apply changes of entries to what runs. */
import type { EntryChange } from './change.ts'
import type { Entries } from '../entries/entries.ts'

/** A change, and the entries after it. */
export type KindChange = EntryChange & { readonly entries: Entries }

/** A prepared change. */
export interface Prepared {
  /** Makes the change take effect. Steps that can fail belong before this one. */
  commit(): Promise<void>
  /** Undoes {@link commit}, if it was called, and releases what was prepared. Called at most once. */
  rollback(): Promise<void>
  /**
   * The whole set has taken effect permanently: starts what must run, and releases what was replaced. The registry
   * waits for it no longer than the start takes. It can no longer reject the change.
   */
  settle?(): Promise<void>
}

/** Applies changes of entries of some kinds. */
export interface KindHandler {
  /**
   * Prepares a change: builds what it needs, invisible to others.
   *
   * @throws when the change cannot be carried out; then no change of the set is applied.
   */
  prepare(change: KindChange): Promise<Prepared>
}
