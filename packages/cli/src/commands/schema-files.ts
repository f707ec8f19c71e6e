/** The JSON schemas that editors use for the YAML files of an application. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TroupeError } from '@troupe/core'
import { configSchema, entriesSchema } from '@troupe/registry'
import { kinds } from 'troupe/app'

const ownerOnly = 0o700

/** Writes the schemas into the folder `.troupe` of an application, and returns their paths. */
export function writeSchemas(root: string): readonly string[] {
  const folder = join(root, '.troupe')
  const schemas = { 'entries.schema.json': entriesSchema(kinds), 'config.schema.json': configSchema() }
  return Object.entries(schemas).map(([name, schema]) => {
    const file = join(folder, name)
    try {
      mkdirSync(folder, { recursive: true, mode: ownerOnly })
      writeFileSync(file, `${JSON.stringify(schema)}\n`)
    } catch (cause) {
      throw new TroupeError('Unavailable', `cannot write ${file}`, { cause })
    }
    return file
  })
}
