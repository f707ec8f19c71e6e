/** What a node writes about itself in the bucket `nodes`, and what others write about it. */
import { z } from 'zod'

const version = 1
const shortest = 1_000
const longest = 60_000

const schema = z.strictObject({
  v: z.literal(version),
  /** `dead`: another node has written its death certificate. `left`: it has stopped, and written this itself. */
  state: z.enum(['alive', 'dead', 'left']),
  /** Revision of the record with which it joined. Absent in that record. */
  incarnation: z.int().min(1).optional(),
  /** Chosen by the program at its start, so that it recognises its own records. */
  boot: z.string().min(1).max(64),
  /** Number of the record among those of its program. */
  beat: z.int().min(0),
  /** Milliseconds. */
  lease: z.int().min(shortest).max(longest),
  /** The node that wrote the certificate. */
  by: z.string().max(64).optional(),
})

export type NodeRecord = z.output<typeof schema>

export function encodeRecord(record: NodeRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record))
}

/** Returns nothing for what is no record. */
export function decodeRecord(bytes: Uint8Array): NodeRecord | undefined {
  try {
    return schema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data
  } catch {
    return undefined
  }
}

/** Returns the incarnation of a node that is a member according to its record. */
export function livingIncarnation(record: NodeRecord | undefined, revision: number): number | undefined {
  return record?.state === 'alive' ? (record.incarnation ?? revision) : undefined
}
