/** Bodies that end with their connection: the client's fault, not the handler's. */
import { TroupeError } from '@troupe/core'
import type { Incoming } from './bindings.ts'

/** The messages of Node and hono for a request whose connection ends before its body does. */
const words = new Set(['aborted', 'Client connection prematurely closed.'])

/**
 * Returns the error for the log. An incomplete body is not a failure of the service, and strangers can cause any number
 * of them.
 */
export function toldOf(error: unknown, incoming: Incoming): unknown {
  const isLost = incoming.destroyed && !incoming.readableEnded && error instanceof Error && words.has(error.message)
  return isLost ? new TroupeError('Canceled', 'the client has gone before its body had come', { cause: error }) : error
}
