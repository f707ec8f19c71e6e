/** The module of an entry. */
import type { EntryId } from '@troupe/core'
import type { Registry } from '@troupe/registry'

/** Absolute paths of the files that an entry names. */
export function sourceOf(registry: Registry, id: EntryId): readonly string[] {
  return registry.decode(id).files.map(({ file }) => file)
}
