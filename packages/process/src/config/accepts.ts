/** The networks from which a process accepts messages, in addition to its own and the clear network. */
import { reference } from '@troupe/registry'
import { z } from 'zod'

/**
 * Overlays whose messages a process of another network accepts. @default none; all, where the entry is pinned to the
 * clear network
 */
export const acceptsSchema = z.union(
  [z.literal('any'), z.array(reference('network.*'))],
  'expected "any", or a list of overlays',
)
