/** Time limits of overlays. */
import { duration } from '@troupe/registry'

/** A duration that is not zero: with a limit of zero, everything fails at once. */
export function limit(): ReturnType<typeof duration> {
  return duration().refine((milliseconds) => milliseconds > 0, 'expected more than 0')
}
