/** Errors for messages that are not sent. */
import { asTroupeError, invalid, notFound, type Pid, TroupeError } from '@troupe/core'
import type { Participant } from '../participant.ts'

/** @throws TroupeError `Invalid` for topics that begin with `@`, which are reserved for the runtime. */
export function checkTopic(topic: unknown): void {
  if (typeof topic !== 'string' || topic === '') throw invalid('a topic must be a non-empty string', { topic })
  if (topic.startsWith('@'))
    throw invalid(`topic "${topic}" is reserved: topics that begin with "@" belong to the runtime`, { topic })
}

/** The error of a process that calls itself: it would wait for its own reply. */
export function toItself({ pid }: Participant): TroupeError {
  return invalid(`process ${pid} cannot call itself: it would wait for its own reply`, { pid })
}

/** The error for a reply that cannot be carried. */
export function unfitReply(cause: unknown): TroupeError {
  const { kind, message, details } = asTroupeError(cause)
  return new TroupeError(kind, `the reply could not be sent: ${message}`, { details })
}

/** The message of an error. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The error of a sender that has ended: nothing is sent for it. */
export function over(by: Participant): TroupeError {
  return new TroupeError('Canceled', `process ${by.pid} has ended: it can no longer send`)
}

/** The error for a pid without a process. */
export function missing(pid: Pid): TroupeError {
  return notFound(`process ${pid} does not exist: it has ended, or never started`, { pid })
}
