/** Changes that need no preparation. */
import type { Prepared } from '@troupe/registry'

const nothing = async () => undefined

/** Work that only follows from a change, after it has taken effect. */
export function whenSettled(settle: () => Promise<void>): Prepared {
  return { commit: nothing, rollback: nothing, settle }
}
