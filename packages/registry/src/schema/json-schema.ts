/** JSON schemas of the files of an application, for editors: of entries, and of the configuration. */
import { formatDuration } from '@troupe/core'
import { z } from 'zod'
import { envKinds } from '../env/kinds.ts'
import { durations, type FieldRole, fieldRoles } from './fields.ts'
import type { Kind } from './kind.ts'
import { yamlKey } from './normalize.ts'

/** A part of a JSON schema. */
export type JsonSchema = Readonly<Record<string, unknown>>

const dialect = 'http://json-schema.org/draft-07/schema#'
/** What any value may be instead: `${env:NAME}`. */
const placeholder = { type: 'string', pattern: '\\$\\{' }
const name = { type: 'string', minLength: 1 }
/** Of any kind, in addition to those of the kind. */
const common = { name, kind: name }

/** Returns the schema of files with entries of these kinds and of those of this package, such as `_index.yaml`. */
export function entriesSchema(others: readonly Kind[]): JsonSchema {
  const kinds = [...envKinds, ...others]
  const entry = {
    type: 'object',
    required: ['name', 'kind'],
    properties: { ...common, kind: { type: 'string', enum: kinds.map(({ kind }) => kind) } },
    allOf: kinds.map((kind) => when({ required: ['kind'], properties: { kind: { const: kind.kind } } }, entryOf(kind))),
  }
  const isList = { type: 'object', required: ['entries'] }
  const version = { type: ['string', 'number'] }
  const many = {
    type: 'object',
    required: ['namespace', 'entries'],
    additionalProperties: false,
    properties: {
      ...{ version, namespace: name, meta: { type: 'object' } },
      entries: { type: ['array', 'null'], items: { $ref: '#/definitions/entry' } },
    },
  }
  return {
    $schema: dialect,
    title: 'Entries of a Troupe application',
    allOf: [when(isList, many), when({ not: isList }, { $ref: '#/definitions/entry' })],
    definitions: { entry },
  }
}

/** Returns the schema of a configuration: `.troupe.yaml`. Profiles have the same sections. */
export function configurationSchema(schema: z.ZodObject): JsonSchema {
  const sections = asWritten(schema)
  const properties = propertiesOf(sections)
  const profile = { ...sections, properties }
  return {
    $schema: dialect,
    title: 'Configuration of a Troupe application',
    ...sections,
    properties: { ...properties, profiles: { type: 'object', additionalProperties: profile } },
  }
}

/** What holds where a condition is met. */
function when(condition: JsonSchema, met: JsonSchema): JsonSchema {
  return { if: { not: condition }, else: met }
}

function entryOf({ fields, meta }: Kind): JsonSchema {
  const own = asWritten(fields)
  const required: readonly unknown[] = Array.isArray(own['required']) ? own['required'] : []
  return {
    ...own,
    required: ['name', 'kind', ...required],
    properties: {
      ...common,
      // An entry that is alone in its file.
      ...{ version: { type: ['string', 'number'] }, namespace: name },
      meta: asWritten(meta),
      ...propertiesOf(own),
    },
  }
}

function propertiesOf({ properties }: JsonSchema): JsonSchema {
  return isRecord(properties) ? properties : {}
}

/** The schema of values as YAML writes them. A title states the type in words, a description the meaning. */
function asWritten(schema: z.ZodType): JsonSchema {
  const converted: unknown = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const role = fieldRoles.get(zodSchema)
      if (role !== undefined) Object.assign(jsonSchema, { type: 'string', title: wordsFor(role) })
      if (durations.get(zodSchema) !== undefined) jsonSchema.title = 'a duration such as 10s'
      // Zod leaves out the defaults of schemas that transform; those of durations are milliseconds.
      if (zodSchema instanceof z.ZodDefault && jsonSchema.type === 'string' && jsonSchema.default === undefined) {
        const { defaultValue } = zodSchema.def
        if (typeof defaultValue === 'number') jsonSchema.default = formatDuration(defaultValue)
      }
      if (zodSchema instanceof z.ZodObject && jsonSchema.properties !== undefined) {
        const written: typeof jsonSchema.properties = {}
        for (const [key, value] of Object.entries(jsonSchema.properties)) written[yamlKey(key)] = value
        jsonSchema.properties = written
        if (jsonSchema.required !== undefined) jsonSchema.required = jsonSchema.required.map(yamlKey)
        if (zodSchema.def.catchall instanceof z.ZodNever) jsonSchema.additionalProperties = false
      }
    },
  })
  const { $schema: _, ...rest } = isRecord(converted) ? converted : {}
  const open = withPlaceholders(rest)
  return isRecord(open) ? open : {}
}

function wordsFor(role: FieldRole): string {
  if (role.role === 'file') return 'a file such as file://main.ts'
  return role.kinds.length === 0 ? 'the id of an entry' : `the id of an entry of the kind ${role.kinds.join(' or ')}`
}

const placed = new Set(['integer', 'number', 'boolean'])

/** Lets texts with placeholders stand for values of other types, and for texts of a fixed form. */
function withPlaceholders(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withPlaceholders)
  if (!isRecord(part)) return part
  // Formats are named as zod names them; those with a pattern have it too.
  const known = Object.entries(part).filter(([key]) => key !== 'format')
  const inner = Object.fromEntries(known.map(([key, value]) => [key, innerOf(key, value)]))
  const { title, description, ...bare } = inner
  const { type, default: preset } = bare
  const isFixed =
    (typeof type === 'string' && placed.has(type)) ||
    (type === 'string' && ('enum' in bare || 'pattern' in bare || 'maxLength' in bare)) ||
    'const' in bare
  if (!isFixed) return inner
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(preset !== undefined && { default: preset }),
    anyOf: [bare, placeholder],
  }
}

/** Names of properties are not parts of a schema, and neither are values. */
function innerOf(key: string, value: unknown): unknown {
  if (key === 'default' || key === 'enum' || key === 'const' || key === 'required' || key === 'type') return value
  if (key !== 'properties') return key === 'propertyNames' ? value : withPlaceholders(value)
  return isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([each, item]) => [each, withPlaceholders(item)]))
    : value
}

function isRecord(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
