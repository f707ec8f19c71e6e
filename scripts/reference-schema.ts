/** The fields of a JSON schema as rows of a table. */

/** A field of an entry or of the configuration. */
export interface Field {
  /** Its path, such as `lifecycle.restart.max_delay`; `[]` stands for each item of a list, `*` for any key. */
  readonly path: string
  readonly type: string
  readonly isRequired: boolean
  /** As YAML writes it. */
  readonly preset: string | undefined
  /** What it sets; empty where its schema does not describe it. */
  readonly meaning: string
}

type Schema = Readonly<Record<string, unknown>>

/** Returns the fields of a schema, those of objects within it after it. */
export function fieldsOf(schema: Schema, prefix = ''): readonly Field[] {
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
  return Object.entries(recordOf(schema['properties'])).flatMap(([name, value]) =>
    rowsOf(`${prefix}${name}`, recordOf(value), required.includes(name)),
  )
}

function rowsOf(path: string, schema: Schema, isRequired: boolean): readonly Field[] {
  const inner = objectsIn(schema).flatMap(([suffix, object]) => fieldsOf(object, `${path}${suffix}.`))
  const preset = presetOf(schema['default'])
  const meaning = schema['description']
  return [
    { path, type: typeOf(schema), isRequired, preset, meaning: typeof meaning === 'string' ? meaning : '' },
    ...inner,
  ]
}

/** The objects with fields that a value of the schema is, or contains. */
function objectsIn(schema: Schema, suffix = ''): readonly (readonly [string, Schema])[] {
  if (schema['properties'] !== undefined) return [[suffix, schema]]
  const items = recordOf(schema['items'])
  const values = recordOf(schema['additionalProperties'])
  return [
    ...alternativesOf(schema).flatMap((each) => objectsIn(each, suffix)),
    ...(Object.keys(items).length > 0 ? objectsIn(items, `${suffix}[]`) : []),
    ...(Object.keys(values).length > 0 ? objectsIn(values, `${suffix}.*`) : []),
  ]
}

/** A type in words. A placeholder `${…}`, which may stand for any value, is left out. */
function typeOf(schema: Schema): string {
  const words = schema['title']
  if (typeof words === 'string') return shortened(words)
  const alternatives = alternativesOf(schema)
  if (alternatives.length > 0) return [...new Set(alternatives.map(typeOf))].join(' or ')
  if (Array.isArray(schema['enum'])) return schema['enum'].map((each) => `\`${String(each)}\``).join(', ')
  if ('const' in schema) return schema['const'] === '' ? 'an empty text' : `\`${JSON.stringify(schema['const'])}\``
  if (schema['type'] === 'array') return `list of ${typeOf(recordOf(schema['items']))}`
  if (schema['type'] === 'object') return schema['properties'] === undefined ? 'mapping' : 'object'
  if (schema['type'] === 'integer' || schema['type'] === 'number') return `${schema['type']}${rangeOf(schema)}`
  if (schema['type'] === 'string') return 'text'
  return typeof schema['type'] === 'string' ? schema['type'] : 'any value'
}

/** The words of the schemas for editors, as a type. */
function shortened(words: string): string {
  const [, kinds] = /^the id of an entry of the kind (.+)$/.exec(words) ?? []
  if (kinds !== undefined) return `id of \`${kinds.split(' or ').join('`, `')}\``
  return words.replace(/ such as .+$/, '').replace(/^(?:a|the) /, '')
}

function rangeOf({ minimum, maximum }: Schema): string {
  const hasEnd = typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER
  const hasStart = typeof minimum === 'number' && minimum > Number.MIN_SAFE_INTEGER
  if (hasStart && hasEnd) return ` from ${minimum} to ${maximum}`
  if (hasStart) return ` from ${minimum}`
  return hasEnd ? ` up to ${maximum}` : ''
}

function presetOf(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value))) return undefined
  return value === '' ? 'empty' : `\`${JSON.stringify(value).replaceAll('"', '')}\``
}

function alternativesOf(schema: Schema): readonly Schema[] {
  const all: readonly unknown[] = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => {
    const list: unknown = schema[key]
    const items: readonly unknown[] = Array.isArray(list) ? list : []
    return items
  })
  return all.map(recordOf).filter((each) => !(each['type'] === 'string' && each['pattern'] === String.raw`\$\{`))
}

/** The value as an object; an empty one where it is none. */
export function recordOf(value: unknown): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
