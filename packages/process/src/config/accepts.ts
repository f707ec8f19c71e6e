/** Which networks' messages a process takes beside its own network's and those of the clear network. */
import { reference } from '@troupe/registry'
import { z } from 'zod'

/** Overlays whose messages a process of another network takes. @default none; all, where the entry is pinned to the clear network */
export const acceptsSchema = z.union([z.literal('any'), z.array(reference('network.*'))], 'expected "any", or a list of overlays')
