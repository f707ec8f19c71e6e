/** An entry as it is stored. */
import { type EntryId, isEntryId } from '@troupe/core'
import { z } from 'zod'
import { entryFromInput } from '../entries/entry.ts'

const mapping = z.record(z.string(), z.unknown())

/** Reads an entry from parsed JSON. */
export const storedEntry = z
  .object({
    id: z.custom<EntryId>((value) => typeof value === 'string' && isEntryId(value)),
    kind: z.string(),
    meta: mapping,
    fields: mapping,
    source: z.object({ file: z.string(), line: z.number(), column: z.number() }).optional(),
  })
  .transform(({ source, ...entry }) => entryFromInput({ ...entry, ...(source && { source }) }))
