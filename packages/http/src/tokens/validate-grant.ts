/** Validates the messages of threads about tokens, because they come from untrusted code. */
import { type EntryId, invalid, isEntryId } from '@troupe/core'
import { maxName, maxScope, newActor } from '@troupe/policy'
import { z } from 'zod'
import type { TokenGrant } from './token-store.ts'

const facts = z.record(z.string(), z.json())
const policy = z.custom<EntryId>(
  (value) => typeof value === 'string' && isEntryId(value),
  'expected the id of a policy',
)
const grantSchema = z.strictObject({
  actor: z.strictObject({ id: z.string().min(1).max(maxName), meta: facts }),
  policies: z.array(policy).max(maxScope),
  groups: z.array(z.string().min(1).max(maxName)).max(maxScope),
  meta: facts,
  ttl: z.number().optional(),
})

/** @throws TroupeError `Invalid` */
export function parseGrant(given: unknown): TokenGrant {
  const { data, error } = grantSchema.safeParse(given)
  if (data === undefined) throw invalid(`invalid token options: ${error.issues.map(wordsOf).join('; ')}`)
  return { ...data, actor: newActor(data.actor.id, data.actor.meta), ttl: data.ttl }
}

/** A longer text is not a token. */
const maxToken = 512

/** @throws TroupeError `Invalid` */
export function parseTokenText(given: unknown): string {
  if (typeof given === 'string' && given.length <= maxToken) return given
  throw invalid('a token is a text of at most 512 characters')
}

function wordsOf({ path, message }: z.core.$ZodIssue): string {
  return `${path.map(String).join('.')}: ${message}`
}
