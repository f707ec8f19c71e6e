/** Limits on the data that policies read, so that no decision takes long, and on scopes. */
import { invalid, weigh } from '@troupe/core'

/** Maximum weight in bytes of an actor's `meta`, and of the facts about one question (`weigh` of `@troupe/core`). */
export const maxMetaWeight = 4096
/** Maximum number of policies of a scope. */
export const maxScope = 1024
/** Maximum length of the id of an actor, action or resource, in characters. */
export const maxName = 4096

/** Checks the size of `meta`. @throws TroupeError `Invalid` when `meta` weighs too much. */
export function checkMeta(meta: unknown, path: string): void {
  if (weigh(meta, maxMetaWeight) > maxMetaWeight) {
    throw invalid(
      `${path} weighs more than ${maxMetaWeight} bytes, or holds shared memory: use few and small attributes`,
      {
        path,
        limit: maxMetaWeight,
      },
    )
  }
}
