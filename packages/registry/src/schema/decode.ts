/** Decodes an entry as it is written to its typed fields, with the position of each problem. */
import { dirname } from 'node:path'
import { type EntryId, namespaceOf } from '@troupe/core'
import type { z } from 'zod'
import { type Entry, keyPositionOf, positionOf } from '../entries/entry.ts'
import type { DecodedMeta, FieldsOf, Kind, MetaOf } from './kind.ts'
import { formatPath, type Path } from '../yaml/source-position.ts'
import { parseTemplate } from '../config/placeholders.ts'
import type { Diagnostic } from './diagnostic.ts'
import { type Fault, type FoundFile, type FoundReference, normalize, unionDistance, yamlKey } from './normalize.ts'

/** An entry with its placeholders resolved, its references expanded to full ids, and its fields checked by its kind. */
export interface Decoded<Fields = Readonly<Record<string, unknown>>, Meta = DecodedMeta> {
  readonly entry: Entry
  readonly id: EntryId
  readonly fields: Fields
  readonly meta: Meta
  /** The entries that this one refers to, in any of its parts. */
  readonly references: readonly FoundReference[]
  readonly files: readonly FoundFile[]
}

/** A decoded entry of one kind. */
export type DecodedAs<K extends Kind> = Decoded<FieldsOf<K>, MetaOf<K>>

export interface DecodeContext {
  /** The value of a variable as an entry of `namespace` sees it. Throws for a variable that cannot be read. */
  variable(name: string, namespace: string): string | undefined
  /** The folder to which the files of entries without a source are relative. */
  readonly folder: string
  /** Folders that must contain the entry's code. @default any folder */
  readonly sourceFolders?: readonly string[] | undefined
}

export type DecodeResult<D> =
  | { readonly decoded: D; readonly problems: readonly [] }
  | { readonly decoded?: never; readonly problems: readonly Diagnostic[] }

/** Decodes `entry` as an entry of `kind`. */
export function decodeEntry<K extends Kind>(kind: K, entry: Entry, context: DecodeContext): DecodeResult<DecodedAs<K>> {
  const namespace = namespaceOf(entry.id)
  const folder = entry.source ? dirname(entry.source.file) : context.folder
  const read = (name: string) => context.variable(name, namespace)
  const fields = decodeValue<K['fields']>(kind.fields, entry.fields, [], {
    namespace,
    folder,
    sourceFolders: context.sourceFolders,
    read,
  })
  const meta = decodeValue<K['meta']>(kind.meta, entry.meta, ['meta'], { namespace, folder, read })
  const faults = [...fields.faults, ...meta.faults]
  if (!fields.result || !meta.result || faults.length > 0)
    return { problems: faults.map((fault) => diagnosticOf(entry, fault)) }
  const decoded: DecodedAs<K> = Object.freeze({
    entry,
    id: entry.id,
    fields: fields.result.data,
    meta: meta.result.data,
    references: [...fields.references, ...meta.references],
    files: [...fields.files, ...meta.files],
  })
  return { decoded, problems: [] }
}

/** A problem of an entry, with its position. */
export function diagnosticOf(entry: Entry, fault: Fault): Diagnostic {
  const place = fault.atKey ? keyPositionOf(entry, fault.path) : positionOf(entry, fault.path)
  return {
    code: fault.code,
    message: fault.message,
    entry: entry.id,
    path: formatPath(fault.path),
    ...(place && { place }),
  }
}

interface ValueContext {
  readonly namespace: string | undefined
  readonly folder: string
  readonly sourceFolders?: readonly string[] | undefined
  /** Reads a variable; without it, placeholders are left as they are. */
  readonly read?: (name: string) => string | undefined
  /** The only part of the value whose placeholders are resolved. @default all of it */
  readonly part?: string
}

interface DecodedValue<T> {
  readonly result: { readonly data: T } | undefined
  readonly references: readonly FoundReference[]
  readonly files: readonly FoundFile[]
  readonly faults: readonly Fault[]
}

/** Decodes one value, which is at `base`. */
export function decodeValue<S extends z.ZodType>(
  schema: S,
  value: unknown,
  base: Path,
  context: ValueContext,
): DecodedValue<z.output<S>> {
  const faults: Fault[] = []
  const single = new Set<string>()
  const resolved = resolvedIn(value, base, context, single, faults)
  const unread = new Set(faults.map((fault) => formatPath(fault.path)))
  const shaped = normalize(schema, resolved, base, { ...context, single })
  const parsed = schema.safeParse(shaped.value)
  const issues = parsed.success ? [] : parsed.error.issues.flatMap((issue) => faultsOf(issue, [], value, base))
  // A value that could not be read already has its problem: that its type is also wrong adds nothing.
  faults.push(...[...shaped.faults, ...issues].filter((fault) => !unread.has(formatPath(fault.path))))
  return {
    result: parsed.success ? { data: parsed.data } : undefined,
    references: shaped.references,
    files: shaped.files,
    faults,
  }
}

function resolvedIn(
  value: unknown,
  base: Path,
  { read, part }: ValueContext,
  single: Set<string>,
  faults: Fault[],
): unknown {
  if (read === undefined) return value
  if (part === undefined) return resolvePlaceholders(value, base, read, single, faults)
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return value
  const inside: unknown = Reflect.get(value, part)
  return { ...value, [part]: resolvePlaceholders(inside, [...base, part], read, single, faults) }
}

function resolvePlaceholders(
  value: unknown,
  path: Path,
  read: (name: string) => string | undefined,
  single: Set<string>,
  faults: Fault[],
): unknown {
  if (Array.isArray(value))
    return value.map((item, index) => resolvePlaceholders(item, [...path, index], read, single, faults))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        resolvePlaceholders(item, [...path, key], read, single, faults),
      ]),
    )
  if (typeof value !== 'string' || !value.includes('${')) return value
  const { parts, fault } = parseTemplate(value)
  if (fault !== undefined) faults.push({ code: 'placeholder', message: `${formatPath(path)}: ${fault}`, path })
  if (parts.length === 1 && parts[0]?.type === 'variable') single.add(formatPath(path))
  return parts.map((part) => (part.type === 'text' ? part.text : variable(part.name, part.fallback))).join('')

  function variable(name: string, fallback: string | undefined): string {
    try {
      const found = read(name) ?? fallback
      if (found !== undefined) return found
      faults.push({
        code: 'missing-variable',
        message: `${formatPath(path)}: the variable ${name} is not set and has no default`,
        path,
      })
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'it cannot be read'
      faults.push({ code: 'missing-variable', message: `${formatPath(path)}: the variable ${name}: ${reason}`, path })
    }
    return ''
  }
}

/** The issues of zod, with YAML's own paths. For a union, the issues of the closest option. */
function faultsOf(
  issue: z.core.$ZodIssue,
  prefix: readonly PropertyKey[],
  root: unknown,
  base: Path,
): readonly Fault[] {
  const steps = [...prefix, ...issue.path]
  if (issue.code === 'unrecognized_keys') return []
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const options = issue.errors.toSorted((a, b) => unionDistance(a) - unionDistance(b))
    const nearest = options[0] ?? []
    if (nearest.length > 0 && unionDistance(nearest) < 1_000)
      return nearest.flatMap((inner) => faultsOf(inner, steps, root, base))
  }
  const { path, found } = yamlPath(root, steps)
  const words = wordsOf(issue)
  const missing = found === undefined && issue.code !== 'custom'
  const at = [...base, ...path]
  const fault = missing ? `is required: ${words.replace(', received undefined', '')}` : words
  const message = `${formatPath(at)}${at.length > 0 ? ': ' : ''}${fault}`
  return [{ code: 'invalid-field', message, path: at }]
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
    const options = issue.errors.map(([first]) =>
      first ? wordsOf(first).replace(/^expected (.*?)(?:, received .*)?$/, '$1') : '',
    )
    return `expected ${[...new Set(options)].filter((option) => option !== '').join(' or ')}`
  }
  return issue.message.replace(/^Invalid (?:input|option): /, '').replace(/^./, (letter) => letter.toLowerCase())
}

/** Steps through a value as it is written, along the keys of its schema. */
function yamlPath(root: unknown, steps: readonly PropertyKey[]): { readonly path: Path; readonly found: unknown } {
  const path: (string | number)[] = []
  let value = root
  for (const step of steps) {
    const key =
      typeof step === 'symbol' ? String(step) : typeof step === 'number' || has(value, step) ? step : yamlKey(step)
    path.push(key)
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  }
  return { path, found: value }
}

function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
}
