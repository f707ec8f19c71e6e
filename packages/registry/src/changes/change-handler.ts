/** What happens to what runs when its entry changes. */
import type { EntryChange } from './change.ts'
import type { Entries } from '../entries/entries.ts'

/** A change, and the entries as they will be. */
export type KindChange = EntryChange & { readonly entries: Entries }

/** A change that is ready. */
export interface Prepared {
  /** Makes it take effect. What can fail should have failed before. */
  commit(): Promise<void>
  /** Undoes what {@link commit} did, if it was called, and lets go of what was made ready. Called once, or never. */
  rollback(): Promise<void>
  /**
   * All has taken effect for good: starts what is to run, lets go of what was replaced. It is not waited for longer than what
   * is to run needs to start, and it can refuse nothing any more.
   */
  settle?(): Promise<void>
}

/** Carries out changes of entries of some kinds. */
export interface KindHandler {
  /**
   * Makes a change ready: builds what it needs, without anybody seeing it.
   *
   * @throws when the change cannot be carried out: then nothing of the whole set is.
   */
  prepare(change: KindChange): Promise<Prepared>
}
