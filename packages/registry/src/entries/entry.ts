/** Entries: the definitions that make up an application. */
import { type EntryId, isEntryId } from '@troupe/core'
import type { Path, SourcePosition } from '../yaml/source-position.ts'
import { keyPositionAt, positionAt, valueOf, type YamlMapping } from '../yaml/node.ts'

/** Information about an entry that is not specific to its kind. All keys are free, except `command` and `options`. */
export type EntryMeta = Readonly<Record<string, unknown>>

/** An entry as it was written: placeholders are kept, references may be relative. Plain frozen data. */
export interface Entry {
  readonly id: EntryId
  readonly kind: string
  readonly meta: EntryMeta
  /** The kind's own fields, in YAML's spelling. */
  readonly fields: Readonly<Record<string, unknown>>
  /** The entry's position; absent for entries that code made. */
  readonly source?: SourcePosition
}

/** Entries by their ids. */
export type EntryMap = ReadonlyMap<EntryId, Entry>

/** The input for a new entry: `meta` and `fields` are optional. */
export interface EntryInput {
  readonly id: EntryId
  readonly kind: string
  readonly meta?: EntryMeta
  readonly fields?: Readonly<Record<string, unknown>>
  /** The entry's source: its files are relative to that folder. */
  readonly source?: SourcePosition
}

const headKeys = new Set(['namespace', 'version', 'name', 'kind', 'meta'])

// A separate map and not a field, so that entries stay data that can cross threads.
const nodes = new WeakMap<Entry, YamlMapping>()

/** Returns the entry that a YAML mapping describes. */
export function entryFromNode(
  id: EntryId,
  kind: string,
  node: YamlMapping,
  source: SourcePosition | undefined = node.place,
): Entry {
  const meta = node.pairs.get('meta')?.node
  const fields = Array.from(node.pairs).filter(([key]) => !headKeys.has(key))
  const entry = freeze({
    id,
    kind,
    meta:
      meta?.type === 'mapping'
        ? Object.fromEntries(Array.from(meta.pairs, ([key, pair]) => [key, valueOf(pair.node)]))
        : {},
    fields: Object.fromEntries(fields.map(([key, pair]) => [key, valueOf(pair.node)])),
    source,
  })
  nodes.set(entry, node)
  return entry
}

/** Returns the entry that code describes. */
export function entryFromInput(input: EntryInput): Entry {
  const { id, kind, meta = {}, fields = {}, source } = input
  return freeze({ id, kind, meta, fields, ...(source && { source }) })
}

/** Returns the mapping that `entry` was read from; `undefined` for an entry that code made. */
export function nodeOf(entry: Entry): YamlMapping | undefined {
  return nodes.get(entry)
}

/**
 * Returns the position of a part of an entry: `['port']`, `['meta', 'command', 'name']`. If the path is absent, the
 * position of the nearest value around it; `undefined` for entries that code made.
 */
export function positionOf(entry: Entry, path: Path = []): SourcePosition | undefined {
  const node = nodes.get(entry)
  return node && (path.length === 0 ? entry.source : positionAt(node, path))
}

/** Like {@link positionOf}, but the position of the key rather than of its value. */
export function keyPositionOf(entry: Entry, path: Path): SourcePosition | undefined {
  const node = nodes.get(entry)
  return node && keyPositionAt(node, path)
}

/** Returns the part of an entry at `path`, as it was written. */
export function writtenAt(entry: Entry, path: Path): unknown {
  let value: unknown = { ...entry.fields, meta: entry.meta }
  for (const step of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined
  return value
}

/** Returns the id that `text` means inside `namespace`, if it can be an id. */
export function resolveId(text: string, namespace: string | undefined): EntryId | undefined {
  if (isEntryId(text)) return text
  const full = `${namespace}:${text}`
  return namespace !== undefined && isEntryId(full) ? full : undefined
}

/** Returns whether `kind` equals `pattern`, or begins with it when it ends in `.*`. `*` alone matches any kind. */
export function kindMatches(kind: string, pattern: string): boolean {
  return pattern === '*' || (pattern.endsWith('.*') ? kind.startsWith(pattern.slice(0, -1)) : kind === pattern)
}

function freeze(entry: Entry): Entry {
  Object.freeze(entry.meta)
  Object.freeze(entry.fields)
  return Object.freeze(entry)
}
