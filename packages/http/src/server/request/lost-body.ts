/** Bodies that end with their connection: the client's doing, not the handler's. */
import { TroupeError } from '@troupe/core'
import type { Incoming } from './bindings.ts'

/** What Node and hono say of a request whose connection ends before its body does. */
const words = new Set(['aborted', 'Client connection prematurely closed.'])

/** The error as the log is to tell it: a body that did not come whole is no failure of the service, and strangers can cause any number. */
export function toldOf(error: unknown, incoming: Incoming): unknown {
  const isLost = incoming.destroyed && !incoming.readableEnded && error instanceof Error && words.has(error.message)
  return isLost ? new TroupeError('Canceled', 'the client has gone before its body had come', { cause: error }) : error
}
