/** Manifests of packages. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The `package.json` of a folder. */
export function manifestOf(folder: string): Record<string, unknown> {
  const json: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (typeof json !== 'object' || json === null) throw new Error(`${folder}/package.json holds no object`)
  return { ...json }
}

/** The names in a part of a manifest, such as its dependencies. */
export function keysOf(part: unknown): readonly string[] {
  return typeof part === 'object' && part !== null ? Object.keys(part) : []
}
