/** Schemas for fields whose role the registry must know in addition to their type. */
import { type EntryId, isEntryId, parseDuration } from '@troupe/core'
import { z } from 'zod'

/** What the registry does with a string before its schema validates it. */
export type FieldRole =
  | { readonly role: 'reference'; readonly kinds: readonly string[] }
  | { readonly role: 'file' /** The file is code. */; readonly isModule: boolean }

/** Roles of schemas. A schema derived from another by `.refine()`, `.describe()` and similar methods keeps its role. */
export const fieldRoles = z.registry<FieldRole>()

/**
 * A reference to another entry, by its id or by its name in the same namespace; decoded to the full id. The registry
 * finds references anywhere in a kind's fields, checks that they lead to an entry of an allowed kind, and starts that
 * entry first.
 *
 * @param kinds - Kinds that may be referred to: `'process.host'`, `'network.*'`. Any kind, when none is given.
 */
export function reference(...kinds: readonly string[]) {
  return z
    .custom<EntryId>(
      (value) => typeof value === 'string' && isEntryId(value),
      'expected the id of an entry ("namespace:name")',
    )
    .register(fieldRoles, { role: 'reference', kinds })
}

/** Schemas of durations, and those derived from them, for the schemas for editors. */
export const durations = z.registry<{ readonly unit: 'milliseconds' }>()

/** A Go-style duration (`250ms`, `10s`, `1m30s`), decoded to milliseconds. Give defaults in milliseconds. */
export function duration() {
  const words = 'expected a duration such as "250ms", "10s" or "1m30s"'
  const schema = z.string(words).transform((text, context) => {
    const ms = readDuration(text)
    if (ms !== undefined && ms >= 0) return ms
    context.addIssue({ code: 'custom', message: ms === undefined ? words : 'a duration cannot be negative' })
    return z.NEVER
  })
  return schema.register(durations, { unit: 'milliseconds' })
}

/** A file named as `file://cert.pem`, relative to the folder of the YAML file; decoded to its absolute path. */
export function sourceFile() {
  return z.string('expected a file such as "file://main.ts"').register(fieldRoles, { role: 'file', isModule: false })
}

/**
 * Like {@link sourceFile}, for code: it must be in the application's folder, or in one of `registry.source_folders`.
 */
export function sourceModule() {
  return z.string('expected a file such as "file://main.ts"').register(fieldRoles, { role: 'file', isModule: true })
}

/** A TCP or UDP port, 1 to 65535. */
export function port() {
  return z.int().min(1).max(65_535)
}

function readDuration(text: string): number | undefined {
  try {
    return parseDuration(text)
  } catch {
    return undefined
  }
}
