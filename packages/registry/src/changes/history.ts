/** Committed versions, and the changes between them. */
import { type EntryId, notFound } from '@troupe/core'
import { changeBetween, changed, differences, type EntryChange } from './change.ts'
import type { Entry, EntryMap } from '../entries/entry.ts'

/** One version: its changes relative to the version before. */
export interface VersionRecord {
  readonly version: number
  /** Unix time in milliseconds. */
  readonly time: number
  readonly changes: readonly EntryChange[]
}

/** The state of an earlier run of the application. */
export interface Kept {
  readonly version: number
  readonly entries: EntryMap
  /** The entries of the files in that run: a file whose entries differ now has been edited since. */
  readonly files: EntryMap
}

/** A store of versions. */
export interface History extends Disposable {
  /** The state that the last run left; `undefined` if there was none or it is unknown. */
  kept(): Kept | undefined
  /** Versions, the oldest first. */
  records(): readonly VersionRecord[]
  /**
   * Stores one more version, and `files` if the entries of the files changed with it: both or neither.
   *
   * @throws when the version cannot be stored: then it does not exist.
   */
  append(record: VersionRecord, files?: EntryMap): void
}

/** The default number of versions that a history keeps. */
export const defaultLimit = 1_000

/** Keeps the versions of this run only. */
export class MemoryHistory implements History {
  readonly #limit: number
  #records: VersionRecord[] = []

  /** @param limit - Versions that are kept; the oldest are dropped. */
  constructor(limit: number = defaultLimit) {
    this.#limit = limit
  }

  kept(): undefined {}

  records(): readonly VersionRecord[] {
    return this.#records
  }

  append(record: VersionRecord): void {
    this.#records.push(record)
    if (this.#records.length > this.#limit) this.#records = this.#records.slice(-this.#limit)
  }

  [Symbol.dispose](): void {}
}

/**
 * Returns the changes that restore `entries` to the state before `undone`, versions in the order in which they were
 * made.
 */
export function changesBack(entries: EntryMap, undone: readonly VersionRecord[]): readonly EntryChange[] {
  const wanted = new Map<EntryId, Entry | undefined>()
  for (const { changes } of undone.toReversed()) for (const { id, before } of changes) wanted.set(id, before)
  return Array.from(wanted, ([id, entry]) => changeBetween(id, entries.get(id), entry)).filter(
    (change) => change !== undefined,
  )
}

/**
 * Returns the changes that lead from one version to another, as they would be made now.
 *
 * @param entries - Those of the newest version.
 * @throws TroupeError `NotFound` for a version that is no longer kept.
 */
export function changesBetween(
  entries: EntryMap,
  records: readonly VersionRecord[],
  newest: number,
  [from, to]: readonly [from: number, to: number],
): readonly EntryChange[] {
  const at = (version: number) => changed(entries, changesBack(entries, versionsAfter(records, version, newest)))
  return differences(at(from), at(to))
}

/**
 * Returns the versions of `records` after `version`.
 *
 * @throws TroupeError `NotFound` for a version that is no longer kept.
 */
export function versionsAfter(
  records: readonly VersionRecord[],
  version: number,
  newest: number,
): readonly VersionRecord[] {
  const oldest = records[0]?.version ?? newest
  if (Number.isInteger(version) && version >= oldest && version <= newest)
    return records.filter((record) => record.version > version)
  throw notFound(`there is no version ${version}: ${oldest} to ${newest} are kept`, { version })
}
