/** The entries that an application starts with: those of its files, and those that an earlier run left. */
import { differences, sameEntry } from './change.ts'
import type { EntryMap } from '../entries/entry.ts'
import type { Kept, VersionRecord } from './history.ts'

export interface InitialState {
  readonly version: number
  readonly entries: EntryMap
  /** What must be stored; `undefined` when nothing changed since the earlier run. */
  readonly record: VersionRecord | undefined
}

/** @param version - Number of the state that was read from the files, if there was no earlier run. */
export function initialStateOf(kept: Kept | undefined, files: EntryMap, version: number): InitialState {
  const entries = kept ? merged(kept, files) : files
  const changes = differences(kept?.entries ?? new Map(), entries)
  const first = { version: kept ? kept.version + 1 : version, time: Date.now(), changes }
  const record = kept && changes.length === 0 ? undefined : first
  return { version: kept?.version ?? version, entries, record }
}

/** `entries`, where an entry that equals the one in the files has its position in them. */
export function located(entries: EntryMap, files: EntryMap): EntryMap {
  const inPlace = new Map(entries)
  for (const [id, entry] of files) if (sameEntry(entries.get(id), entry)) inPlace.set(id, entry)
  return inPlace
}

/**
 * The entries that the earlier run left, except those whose file has changed since that run: for these the file is
 * newer.
 */
function merged(kept: Kept, files: EntryMap): EntryMap {
  const entries = new Map(kept.entries)
  for (const { id, after } of differences(kept.files, files)) {
    if (after) entries.set(id, after)
    else entries.delete(id)
  }
  return located(entries, files)
}
