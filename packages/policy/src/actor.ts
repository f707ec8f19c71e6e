/** Actors: on whose behalf code runs. */
import { type Actor, invalid, valueFromWire, valueToWire } from '@troupe/core'
import { checkMeta, maxName } from './limits.ts'

/**
 * Returns an actor. `meta` is copied, so that no code can change it later.
 *
 * @throws TroupeError `Invalid` for an empty id, or for `meta` that structured clone cannot copy or that weighs more
 *   than 4 KiB.
 */
export function newActor(id: string, meta: Readonly<Record<string, unknown>> = {}): Actor {
  if (typeof id !== 'string' || id === '') throw invalid('an actor needs an id that is not empty', { path: 'id' })
  if (id.length > maxName) throw invalid(`the id of an actor is longer than ${maxName} characters`, { path: 'id' })
  checkMeta(meta, 'the meta of an actor')
  return Object.freeze({ id, meta: Object.freeze(copied(meta)) })
}

function copied(meta: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, valueFromWire(valueToWire(value))]))
  } catch (error) {
    throw invalid(
      `the meta of an actor has to be plain data: ${error instanceof Error ? error.message : String(error)}`,
      { path: 'meta' },
    )
  }
}
