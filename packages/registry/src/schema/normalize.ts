/**
 * The step between a written value and its schema. It converts snake_case keys to those of the schema, names to ids and
 * `file://` to a path. The result of a placeholder becomes the number or boolean that the schema expects. The schema
 * guides this step, so references are found anywhere.
 */
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { realPath } from '@troupe/core'
import type { EntryId } from '@troupe/core'
import { z } from 'zod'
import { resolveId } from '../entries/entry.ts'
import { fieldRoles } from './fields.ts'
import { formatPath, type Path } from '../yaml/source-position.ts'
import type { DiagnosticCode } from './diagnostic.ts'
import { didYouMean } from './suggest.ts'

/** A reference in a value, with its path as YAML writes it. */
export interface FoundReference {
  readonly id: EntryId
  readonly kinds: readonly string[]
  readonly path: Path
}

/** A `file://` reference in an entry, and the path of the field that contains it. */
export interface FoundFile {
  readonly file: string
  readonly path: Path
}

/** A problem without its position. */
export interface Fault {
  readonly code: DiagnosticCode
  readonly message: string
  readonly path: Path
  /** Whether the key is wrong, rather than its value. */
  readonly atKey?: boolean
}

export interface NormalizeContext {
  /** The namespace that bare names belong to. */
  readonly namespace: string | undefined
  /** The folder to which files are relative. */
  readonly folder: string
  /** Folders that must contain code. @default any folder */
  readonly sourceFolders?: readonly string[] | undefined
  /** Paths ({@link formatPath}) of strings that consisted of a single placeholder. */
  readonly single: ReadonlySet<string>
}

export interface Normalized {
  readonly value: unknown
  readonly references: readonly FoundReference[]
  readonly files: readonly FoundFile[]
  readonly faults: readonly Fault[]
}

/** Converts `value`, which is at `path`, for `schema`. */
export function normalize(schema: z.core.$ZodType, value: unknown, path: Path, context: NormalizeContext): Normalized {
  const shaper = new Normalizer(context)
  return {
    value: shaper.shape(schema, value, path),
    references: shaper.references,
    files: shaper.files,
    faults: shaper.faults,
  }
}

/** Returns a key of a schema as YAML writes it: `isolateStreams` is `isolate_streams`. */
export function yamlKey(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

interface NamedField {
  readonly key: string
  readonly field: z.core.$ZodType
}

/** The fields of objects, keyed as YAML writes them. */
const fieldsByYamlKey = new WeakMap<z.ZodObject, ReadonlyMap<string, NamedField>>()

function fieldsOf(schema: z.ZodObject): ReadonlyMap<string, NamedField> {
  const known = fieldsByYamlKey.get(schema)
  if (known !== undefined) return known
  const pairs = Object.entries<z.core.$ZodType>(schema.shape)
  const fields = new Map(pairs.map(([key, field]) => [yamlKey(key), { key, field }]))
  fieldsByYamlKey.set(schema, fields)
  return fields
}

class Normalizer {
  readonly references: FoundReference[] = []
  readonly files: FoundFile[] = []
  readonly faults: Fault[] = []
  readonly #context: NormalizeContext

  constructor(context: NormalizeContext) {
    this.#context = context
  }

  shape(schema: z.core.$ZodType, value: unknown, path: Path): unknown {
    const role = fieldRoles.get(schema)
    if (role && typeof value === 'string')
      return role.role === 'file' ? this.#file(value, path, role.isModule) : this.#reference(value, role.kinds, path)
    const inner = unwrapped(schema)
    if (inner) return this.shape(inner, value, path)
    if (schema instanceof z.ZodUnion) return this.#union(schema, value, path)
    if (schema instanceof z.ZodIntersection)
      return this.shape(schema.def.right, this.shape(schema.def.left, value, path), path)
    if (typeof value === 'string') return this.#context.single.has(formatPath(path)) ? coerce(schema, value) : value
    if (Array.isArray(value)) return this.#items(schema, value, path)
    return isRecord(value) ? this.#record(schema, value, path) : value
  }

  #record(schema: z.core.$ZodType, value: Readonly<Record<string, unknown>>, path: Path): unknown {
    if (schema instanceof z.ZodObject) return this.#object(schema, value, path)
    if (!(schema instanceof z.ZodRecord)) return value
    const { valueType } = schema
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.shape(valueType, item, [...path, key])]),
    )
  }

  #object(schema: z.ZodObject, value: Readonly<Record<string, unknown>>, path: Path): unknown {
    const fields = fieldsOf(schema)
    const { catchall } = schema.def
    const others = catchall === undefined || catchall instanceof z.ZodNever ? undefined : catchall
    const out: [string, unknown][] = []
    for (const [name, item] of Object.entries(value)) {
      const at = [...path, name]
      const { key, field } = fields.get(name) ?? { key: name, field: others }
      if (field) out.push([key, this.shape(field, item, at)])
      else this.#unknown(at, name, fields.keys())
    }
    return Object.fromEntries(out)
  }

  #unknown(path: Path, name: string, known: Iterable<string>): void {
    const message = `${formatPath(path)}: there is no such field${didYouMean(name, known)}`
    this.faults.push({ code: 'unknown-field', message, path, atKey: true })
  }

  #items(schema: z.core.$ZodType, value: readonly unknown[], path: Path): unknown {
    if (schema instanceof z.ZodArray)
      return value.map((item, index) => this.shape(schema.element, item, [...path, index]))
    if (!(schema instanceof z.ZodTuple)) return value
    const { items, rest } = schema.def
    return value.map((item, index) => {
      const element = items[index] ?? rest
      return element ? this.shape(element, item, [...path, index]) : item
    })
  }

  /** The first option that accepts the value; when none does, the closest one. */
  #union(schema: z.ZodUnion, value: unknown, path: Path): unknown {
    let nearest: Normalized | undefined
    let least = Number.POSITIVE_INFINITY
    for (const option of schema.options) {
      const shaped = normalize(option, value, path, this.#context)
      const distance = shaped.faults.length + misses(z.safeParse(option, shaped.value))
      if (distance >= least) continue
      nearest = shaped
      least = distance
      if (least === 0) break
    }
    if (nearest === undefined) return value
    this.references.push(...nearest.references)
    this.files.push(...nearest.files)
    this.faults.push(...nearest.faults)
    return nearest.value
  }

  #reference(text: string, kinds: readonly string[], path: Path): string {
    const id = resolveId(text, this.#context.namespace)
    if (id === undefined) return text
    this.references.push({ id, kinds, path })
    return id
  }

  #file(text: string, path: Path, isModule: boolean): string {
    const name = text.startsWith('file://') ? text.slice('file://'.length) : ''
    if (name === '' || name.includes('\0')) {
      this.faults.push({
        code: 'invalid-field',
        message: `${formatPath(path)}: expected a file such as "file://main.ts"`,
        path,
      })
      return text
    }
    const file = resolve(this.#context.folder, name)
    this.files.push({ file, path })
    const { sourceFolders } = this.#context
    if (isModule && sourceFolders !== undefined && !liesWithin(file, sourceFolders)) {
      const message =
        `${formatPath(path)}: ${text} leads out of the application's folder: ` +
        'name the folder in registry.source_folders of the configuration'
      this.faults.push({ code: 'invalid-field', message, path })
    }
    return file
  }
}

/** Links are resolved: the code that is loaded is at their target. */
function liesWithin(file: string, folders: readonly string[]): boolean {
  const real = realPath(file)
  return folders.some((folder) => {
    const way = relative(realPath(folder), real)
    return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
  })
}

/** How far a value is from an option of a union: the number of its issues, and far more when its type is also wrong. */
function misses(result: z.core.util.SafeParseResult<unknown>): number {
  if (result.success) return 0
  return unionDistance(result.error.issues)
}

/** See {@link misses}. */
export function unionDistance(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce(
    (sum, issue) => sum + (issue.path.length === 0 && issue.code !== 'unrecognized_keys' ? 1_000 : 1),
    0,
  )
}

/** The schema that gets the input first, if schemas wrap each other. */
function unwrapped(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodNonOptional
  )
    return schema.def.innerType
  if (schema instanceof z.ZodLazy) return schema.def.getter()
  if (schema instanceof z.ZodPipe) return schema.def.in instanceof z.ZodTransform ? schema.def.out : schema.def.in
  return undefined
}

/** The result of a placeholder, as the number or boolean that the schema expects. */
function coerce(schema: z.core.$ZodType, text: string): unknown {
  if (schema instanceof z.ZodNumber)
    return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text.trim()) ? Number(text) : text
  if (schema instanceof z.ZodBoolean && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
