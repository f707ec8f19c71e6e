/** Names of entries that a program defines in code. */
import { type EntryId, entryId, invalid, isEntryId, isName, namespaceOf } from '@troupe/core'
import { escapePlaceholders } from '@troupe/registry'
import { fileURLToPath } from 'node:url'

/** The namespace of the entries that `start` makes of its sections. */
export const programNamespace = 'app'

/** The namespace of entries that Troupe itself adds for a program. */
const reservedNamespace = 'troupe.program'

/** Returns an id in the reserved namespace. */
export const reservedId = (name: string): EntryId => entryId(name, reservedNamespace)

/**
 * Returns the id of `name`, which may be an id.
 *
 * @param at - The name of the value, for errors.
 * @throws TroupeError `Invalid`
 */
export function programId(name: unknown, at: string): EntryId {
  if (typeof name === 'string' && isEntryId(name)) return name
  if (typeof name === 'string' && isName(name)) return entryId(name, programNamespace)
  throw invalid(
    `${at}: "${String(name)}" is not a name: letters, digits, "_", "." and "-", the first a letter or "_"`,
    { path: at },
  )
}

/** Whether Troupe itself owns the namespace of `id`. */
export function isReserved(id: EntryId): boolean {
  const namespace = namespaceOf(id)
  return namespace === 'troupe' || namespace.startsWith('troupe.')
}

/**
 * Returns the path of a module as an entry writes it.
 *
 * @throws TroupeError `Invalid` for anything but the URL of a file.
 */
export function sourceOf(source: unknown, at: string): string {
  const url = source instanceof URL ? source : typeof source === 'string' ? URL.parse(source) : null
  if (url?.protocol === 'file:' && url.search === '' && url.hash === '')
    return `file://${escapePlaceholders(fileURLToPath(url))}`
  throw invalid(`${at}: expected the URL of a file, such as new URL('…', import.meta.url)`, { path: at })
}
