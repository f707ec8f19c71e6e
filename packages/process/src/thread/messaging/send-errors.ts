/** Why messages are not sent, in words. */
import { asTroupeError, invalid, notFound, type Pid, TroupeError } from '@troupe/core'
import type { Participant } from '../participant.ts'

/** @throws TroupeError `Invalid` for topics that begin with `@`, which the runtime keeps for itself. */
export function checkTopic(topic: unknown): void {
  if (typeof topic !== 'string' || topic === '') throw invalid('a topic is a string that is not empty', { topic })
  if (topic.startsWith('@')) throw invalid(`topic "${topic}" is reserved: topics that begin with "@" belong to the runtime`, { topic })
}

/** A process that calls itself would wait for its own reply. */
export function toItself({ pid }: Participant): TroupeError {
  return invalid(`process ${pid} cannot call itself: it would wait for its own reply`, { pid })
}

/** A reply that cannot be carried. */
export function unfitReply(cause: unknown): TroupeError {
  const { kind, message, details } = asTroupeError(cause)
  return new TroupeError(kind, `the reply could not be sent: ${message}`, { details })
}

/** Why it failed. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** It has ended: nothing is sent for it. */
export function over(by: Participant): TroupeError {
  return new TroupeError('Canceled', `process ${by.pid} has ended: nothing is sent for it any more`)
}

/** There is no process of that pid. */
export function missing(pid: Pid): TroupeError {
  return notFound(`process ${pid} is not there: it has ended, or never was`, { pid })
}
