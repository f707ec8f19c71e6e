/** Processes that use tokens. */
import { TroupeError } from '@troupe/core'
import { newActor } from '@troupe/policy'
import { tokenStore } from '../tokens.ts'

/** Tries all operations on the tokens of a store, and returns `ok` or the kind of the error for each. */
export async function tryAll(store: string, token: string): Promise<Record<string, string>> {
  const tokens = tokenStore(store)
  return {
    create: await outcome(tokens.create({ actor: newActor('mallory') })),
    createAnn: await outcome(tokens.create({ actor: newActor('ann') })),
    validate: await outcome(tokens.validate(token)),
    revoke: await outcome(tokens.revoke({ id: 'unknown' })),
  }
}

async function outcome(done: Promise<unknown>): Promise<string> {
  try {
    await done
    return 'ok'
  } catch (error) {
    return error instanceof TroupeError ? error.kind : String(error)
  }
}
