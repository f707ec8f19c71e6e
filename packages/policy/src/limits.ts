/** Limits on what policies look at, so that no decision takes long, and on scopes. */
import { invalid, weigh } from '@troupe/core'

/** Most weight of an actor's `meta`, and of the facts about one question (`weigh` of `@troupe/core`). */
export const maxMetaWeight = 4096
/** Most policies of a scope. */
export const maxScope = 1024
/** Longest id of an actor, action or resource. */
export const maxName = 4096

/** @throws TroupeError `Invalid` when `meta` holds too much. */
export function checkMeta(meta: unknown, path: string): void {
  if (weigh(meta, maxMetaWeight) > maxMetaWeight) {
    throw invalid(`${path} weighs more than ${maxMetaWeight} bytes, or holds shared memory: policies look at few and small facts`, {
      path,
      limit: maxMetaWeight,
    })
  }
}
