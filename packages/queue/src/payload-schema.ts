/** Checks payloads by a JSON schema. What zod would read and not check is refused, or written so that zod checks it. */
import { z } from 'zod'

export type JsonObject = Readonly<Record<string, unknown>>

const objectSchema = z.record(z.string(), z.unknown())
const names = z.array(z.string())
const made = new WeakMap<JsonObject, z.ZodType>()

/** Keywords that zod checks only beside a `type`. */
const typed: readonly string[] = [
  ...['properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames'],
  ...['minProperties', 'maxProperties', 'minItems', 'maxItems', 'uniqueItems'],
  ...['items', 'prefixItems', 'additionalItems', 'contains', 'minLength', 'maxLength', 'pattern', 'format'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
]
/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const nested = {
  one: ['additionalProperties', 'additionalItems', 'propertyNames', 'items', 'contains', 'not'],
  list: ['items', 'prefixItems', 'anyOf', 'oneOf', 'allOf'],
  byName: ['properties', 'patternProperties', '$defs', 'definitions'],
}

/** What checks payloads by a JSON schema. @throws Error when it is none, or uses what zod does not know. */
export function payloadSchema(schema: JsonObject): z.ZodType {
  const known = made.get(schema)
  if (known !== undefined) return known
  const type = z.fromJSONSchema(explicit(schema, []))
  made.set(schema, type)
  return type
}

/** The schema with a property for each name of `required`. */
function explicit(schema: JsonObject, path: readonly string[]): JsonObject {
  if (schema['type'] === undefined) {
    const keyword = typed.find((each) => each in schema)
    if (keyword !== undefined) throw new Error(`"${[...path, keyword].join('.')}" needs a "type" beside it`)
  }
  const changed: Record<string, unknown> = { ...schema }
  for (const key of Object.keys(schema)) {
    const value = schema[key]
    if (nested.byName.includes(key)) changed[key] = eachOf(value, [...path, key])
    else if (nested.list.includes(key) && Array.isArray(value))
      changed[key] = value.map((each: unknown, index) => ofSchema(each, [...path, key, String(index)]))
    else if (nested.one.includes(key)) changed[key] = ofSchema(value, [...path, key])
  }
  const required = names.safeParse(schema['required']).data ?? []
  const properties = objectSchema.safeParse(changed['properties']).data ?? {}
  const missing = required.filter((name) => !Object.hasOwn(properties, name))
  if (missing.length === 0) return changed
  const { additionalProperties = {} } = changed
  const added = Object.fromEntries(missing.map((name) => [name, additionalProperties]))
  return { ...changed, properties: { ...properties, ...added } }
}

function ofSchema(value: unknown, path: readonly string[]): unknown {
  const { success, data } = objectSchema.safeParse(value)
  return success && !Array.isArray(value) ? explicit(data, path) : value
}

function eachOf(value: unknown, path: readonly string[]): unknown {
  const { data = {} } = objectSchema.safeParse(value)
  return Object.fromEntries(Object.entries(data).map(([name, each]) => [name, ofSchema(each, [...path, name])]))
}
