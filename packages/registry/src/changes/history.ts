/** Versions that were committed, and how one became the next. */
import { type EntryId, notFound } from '@troupe/core'
import { changeBetween, type EntryChange } from './change.ts'
import type { Entry, EntryMap } from '../entries/entry.ts'

/** One version: what it changed of the one before. */
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
  /** What the files said in that run: a file that says something else now has been edited since. */
  readonly files: EntryMap
}

/** Where versions are kept. */
export interface History extends Disposable {
  /** What the last run left, if there was one and it can be known. */
  kept(): Kept | undefined
  /** Versions, the oldest first. */
  records(): readonly VersionRecord[]
  /**
   * Keeps one more version; `files` where what the files say changed with it. All of it, or nothing.
   *
   * @throws when it cannot be kept: then there is no such version.
   */
  append(record: VersionRecord, files?: EntryMap): void
}

/** Versions that a history keeps when nothing is said. */
export const defaultLimit = 1_000

/** Versions of this run alone. */
export class MemoryHistory implements History {
  readonly #limit: number
  #records: VersionRecord[] = []

  /** @param limit - Versions that are kept; the oldest go. */
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

/** What brings `entries` back to where they were before `undone`, versions in the order of their making. */
export function changesBack(entries: EntryMap, undone: readonly VersionRecord[]): readonly EntryChange[] {
  const wanted = new Map<EntryId, Entry | undefined>()
  for (const { changes } of undone.toReversed()) for (const { id, before } of changes) wanted.set(id, before)
  return Array.from(wanted, ([id, entry]) => changeBetween(id, entries.get(id), entry)).filter((change) => change !== undefined)
}

/**
 * The versions of `records` that came after `version`.
 *
 * @throws TroupeError `NotFound` for a version that is not kept.
 */
export function versionsAfter(records: readonly VersionRecord[], version: number, newest: number): readonly VersionRecord[] {
  const oldest = records[0]?.version ?? newest
  if (Number.isInteger(version) && version >= oldest && version <= newest) return records.filter((record) => record.version > version)
  throw notFound(`there is no version ${version}: ${oldest} to ${newest} are kept`, { version })
}
