/**
 * Checks whether the router still has a session, with a stream from the session to itself. A router that has lost the
 * destination behind a session keeps its connection, and the session's name too
 * (`docs/discoveries/0064-i2pd-drops-a-destination-that-comes-back.md`).
 */
import { connectTo } from './commands.ts'
import { greeted, type Patience } from './sam-connection.ts'
import { asError } from './errors.ts'
import type { Bridge } from './route.ts'
import type { TroupeError } from '@troupe/core'

/** `reached`: a stream was opened. `lost`: the router has no such session. `silent`: the router gives no result. */
export type Finding =
  | { readonly type: 'reached' }
  | { readonly type: 'lost' | 'unreachable' | 'silent'; readonly error: TroupeError }

export interface Self {
  readonly bridge: Bridge
  readonly session: string
  /** Of the session. */
  readonly destination: string
}

/** Probes the router; it takes a millisecond if the router knows the result. Never rejects. */
export async function probe({ bridge, session, destination }: Self, patience: Patience): Promise<Finding> {
  try {
    const conversation = await greeted(bridge, patience)
    await conversation.ask(connectTo(session, destination), {
      stage: 'request',
      limit: 'dial_timeout',
      topic: 'STREAM STATUS',
    })
    conversation.close()
    return { type: 'reached' }
  } catch (thrown) {
    const error = asError(thrown)
    if (error.details['result'] === 'INVALID_ID') return { type: 'lost', error }
    return { type: error.details['replyCode'] === undefined ? 'silent' : 'unreachable', error }
  }
}
