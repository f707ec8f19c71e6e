/** The code that entries run: a function that a module exports. */
import { TroupeError } from '@troupe/core'
import type { Decoded, Entry, Registry } from '@troupe/registry'

/** The module of an entry, and the name of the exported function. */
export interface Program {
  readonly file: string
  readonly method: string
}

/** The code that an entry runs; `undefined` if there is none or the entry is invalid. */
export function programOf(registry: Registry, { id }: Entry): Program | undefined {
  const decoded = decodedIfRight(registry, id)
  const method = decoded?.fields['method']
  const source = decoded?.files.find(({ path }) => path[0] === 'source')
  return source && typeof method === 'string' ? { file: source.file, method } : undefined
}

/** An entry decoded by its kind; `undefined` for an entry with problems, which are already reported. */
export function decodedIfRight(registry: Registry, id: Entry['id']): Decoded | undefined {
  try {
    return registry.decode(id)
  } catch (error) {
    if (error instanceof TroupeError && error.kind === 'Invalid') return undefined
    throw error
  }
}
