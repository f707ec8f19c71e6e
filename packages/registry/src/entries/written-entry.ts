/** Entries as code writes them: one spelling for `boot`, `start`, `startApp` and `registry.apply`. */
import { invalid, isEntryId, type TroupeError } from '@troupe/core'
import { z } from 'zod'
import { plainCopy } from '../schema/plain-data.ts'
import type { SourcePosition } from '../yaml/source-position.ts'
import { type Entry, entryFromInput, type EntryMeta } from './entry.ts'

/** An entry as code writes it: the kind's own fields are beside `id`, `kind` and `meta`, in YAML's spelling. */
export interface WrittenEntry {
  /** `namespace:name`. */
  readonly id: string
  /** The kind, such as `process.ts`. */
  readonly kind: string
  /** What all kinds have, and fields of the application's own. */
  readonly meta?: EntryMeta | undefined
  readonly [field: string]: unknown
}

const mapping = z.record(z.string(), z.unknown())
const head = z.looseObject({
  id: z.string('expected an id such as "app:proxy"'),
  kind: z.string('expected a kind such as "process.ts"'),
  meta: mapping.optional(),
})

/**
 * Reads an entry that code wrote.
 *
 * @param at - Where it is, for errors about an entry without an id: `entries[2]`.
 * @param source - Position of the entry that it replaces: its files are relative to that folder.
 * @throws TroupeError `Invalid`, naming the entry and the field.
 */
export function readWrittenEntry(written: unknown, at: string, source?: SourcePosition): Entry {
  const { data, error } = head.safeParse(written)
  if (data === undefined) throw malformed(written, at, error)
  const { id: text, kind, meta, ...fields } = data
  if (!isEntryId(text))
    throw invalid(`${at}: id: "${text}" is not an entry id: expected "namespace:name"`, { id: text })
  return entryFromInput({
    id: text,
    kind,
    meta: record(plainCopy(meta ?? {}, `${text}: meta`)),
    fields: record(plainCopy(fields, text)),
    ...(source && { source }),
  })
}

function malformed(written: unknown, at: string, { issues }: z.ZodError): TroupeError {
  const [issue] = issues
  const path = issue?.path.join('.') ?? ''
  const id: unknown = typeof written === 'object' && written !== null ? Reflect.get(written, 'id') : undefined
  const where = typeof id === 'string' ? id : at
  if (path === '') return invalid(`${where}: expected an entry: { id, kind, …fields }`, { path: at })
  return invalid(`${where}: ${path}: ${issue?.message}`, { path, ...(typeof id === 'string' && { id }) })
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
