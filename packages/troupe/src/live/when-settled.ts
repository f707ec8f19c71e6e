/** Changes that have nothing to make ready. */
import type { Prepared } from '@troupe/registry'

const nothing = async () => undefined

/** What only follows from a change, once that has taken effect. */
export function whenSettled(settle: () => Promise<void>): Prepared {
  return { commit: nothing, rollback: nothing, settle }
}
