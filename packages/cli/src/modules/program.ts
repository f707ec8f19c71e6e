/** What entries run: a function that a module exports. */
import { TroupeError } from '@troupe/core'
import type { Decoded, Entry, Registry } from '@troupe/registry'

/** The module of an entry, and the name of the function that it takes from there. */
export interface Program {
  readonly file: string
  readonly method: string
}

/** What an entry runs; `undefined` if nothing, or if it is wrong. */
export function programOf(registry: Registry, { id }: Entry): Program | undefined {
  const decoded = decodedIfRight(registry, id)
  const method = decoded?.fields['method']
  const source = decoded?.files.find(({ path }) => path[0] === 'source')
  return source && typeof method === 'string' ? { file: source.file, method } : undefined
}

/** An entry as its kind reads it; `undefined` for one that has problems, which are reported already. */
export function decodedIfRight(registry: Registry, id: Entry['id']): Decoded | undefined {
  try {
    return registry.decode(id)
  } catch (error) {
    if (error instanceof TroupeError && error.kind === 'Invalid') return undefined
    throw error
  }
}
