/**
 * Versions of entries' code. A changed module is loaded again under another URL, and running code keeps its version.
 */
import type { EntryId } from '@troupe/core'
import { pathToFileURL } from 'node:url'

export class Code {
  readonly #versions = new Map<EntryId, number>()
  #newest = 0

  /** The code of `entry` has changed: processes and calls that start from now on load it and its imports again. */
  renew(entry: EntryId): void {
    this.#newest += 1
    this.#versions.set(entry, this.#newest)
  }

  forget(entry: EntryId): void {
    this.#versions.delete(entry)
  }

  /** 0 until it is renewed. */
  versionOf(entry: EntryId): number {
    return this.#versions.get(entry) ?? 0
  }

  /** URL of a module of `entry`, as threads load it. */
  url(entry: EntryId, file: string): string {
    const version = this.versionOf(entry)
    return version === 0 ? pathToFileURL(file).href : `${pathToFileURL(file).href}?v=${version}`
  }
}
