/** Changes to entries: as code requests them, and as the registry applies them. */
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type EntryId, entryId, invalid, notFound, TroupeError } from '@troupe/core'
import { z } from 'zod'
import type { Entries } from '../entries/entries.ts'
import type { Entry, EntryMap } from '../entries/entry.ts'
import { readWrittenEntry, type WrittenEntry } from '../entries/written-entry.ts'
import { didYouMean } from '../schema/suggest.ts'

/** One change. An update replaces the whole entry. */
export type Change =
  | { readonly op: 'create' | 'update'; readonly entry: WrittenEntry }
  | { readonly op: 'delete'; readonly entry: { readonly id: string } }

/** A change with the entry before and after it. */
export type EntryChange =
  | { readonly op: 'create'; readonly id: EntryId; readonly before?: undefined; readonly after: Entry }
  | { readonly op: 'update'; readonly id: EntryId; readonly before: Entry; readonly after: Entry }
  | { readonly op: 'delete'; readonly id: EntryId; readonly before: Entry; readonly after?: undefined }

const written = z.array(
  z.discriminatedUnion('op', [
    z.strictObject({
      op: z.enum(['create', 'update']),
      entry: z.looseObject({ id: z.string() }),
    }),
    z.strictObject({ op: z.literal('delete'), entry: z.looseObject({ id: z.string() }) }),
  ]),
)

/**
 * Resolves `changes` against `entries`.
 *
 * @throws TroupeError `Invalid` for a malformed change and for an entry that is changed twice; `AlreadyExists`;
 *   `NotFound`.
 */
export function readChanges(changes: unknown, entries: Entries): readonly EntryChange[] {
  const read = written.safeParse(changes)
  if (!read.success) {
    const [issue] = read.error.issues
    throw invalid(
      `changes[${issue?.path.join('.')}]: ${issue?.message}: expected ` +
        `{ op: 'create' | 'update' | 'delete', entry: { id, … } }`,
    )
  }
  const seen = new Set<EntryId>()
  return read.data.map(({ op, entry }, index) => {
    const id = entryId(entry.id)
    if (seen.has(id))
      throw invalid(`changes[${index}]: ${id} is changed twice: a set of changes names each entry once`, { id })
    seen.add(id)
    const before = entries.all.get(id)
    if (op === 'create' && before !== undefined)
      throw new TroupeError('AlreadyExists', `the entry ${id} exists already`, { details: { id } })
    if (op !== 'create' && before === undefined)
      throw notFound(`there is no entry ${id}${didYouMean(id, entries.all.keys())}`, { id })
    // An update keeps the source of the entry that it replaces: its files are relative to that folder.
    const after = op === 'delete' ? undefined : readWrittenEntry(entry, `changes[${index}].entry`, before?.source)
    const change = changeBetween(id, before, after)
    if (change === undefined) throw notFound(`there is no entry ${id}`, { id })
    return change
  })
}

/** The change that makes `after` of `before`; none when neither exists. */
export function changeBetween(
  id: EntryId,
  before: Entry | undefined,
  after: Entry | undefined,
): EntryChange | undefined {
  if (before && after) return { op: 'update', id, before, after }
  if (after) return { op: 'create', id, after }
  return before && { op: 'delete', id, before }
}

/**
 * Whether two entries are equal. Their position counts only if they name files, because those are relative to its
 * folder.
 */
export function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.kind !== b.kind) return false
  if (!isDeepStrictEqual(a.fields, b.fields) || !isDeepStrictEqual(a.meta, b.meta)) return false
  return folderOf(a) === folderOf(b) || !namesFile([a.fields, a.meta])
}

/** Returns `entries` with `changes` applied. */
export function changed(entries: EntryMap, changes: readonly EntryChange[]): EntryMap {
  const next = new Map(entries)
  for (const { id, after } of changes) {
    if (after) next.set(id, after)
    else next.delete(id)
  }
  return next
}

/** Returns the changes that turn `from` into `to`. */
export function differences(from: EntryMap, to: EntryMap): readonly EntryChange[] {
  const ids = [...new Set([...from.keys(), ...to.keys()])].filter((id) => !sameEntry(from.get(id), to.get(id)))
  return ids.map((id) => changeBetween(id, from.get(id), to.get(id))).filter((change) => change !== undefined)
}

function namesFile(value: unknown): boolean {
  if (typeof value === 'string') return value.startsWith('file://') || value.includes('${')
  return typeof value === 'object' && value !== null && Object.values(value).some(namesFile)
}

function folderOf({ source }: Entry): string | undefined {
  return source && dirname(source.file)
}
