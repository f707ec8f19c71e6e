/** Messages that are sent at a later time. */
import { inheritedContext, emptySelection } from './call-options.ts'
import { snapshotForKernel } from '../mailbox/payload.ts'
import { ask } from '../thread/current.ts'
import { checkTopic } from '../thread/messaging/send-errors.ts'
import { invalid, type PayloadOf, type TopicOf } from '@troupe/core'
import type { MessagesTo, Receiver } from '@troupe/core/entries'
import { milliseconds } from '../thread/timeout.ts'

/** When a message is sent, and how it is kept until then. Exactly one of `in` and `at` is given. */
export interface LaterOptions {
  /** Milliseconds from now, or a duration such as `15m`. */
  readonly in?: number | string
  /** A date; `number`: milliseconds since 1970. A date that has passed is now. */
  readonly at?: Date | number
  /**
   * Id, by which the message can be cancelled. Ids are unique among the code that may cancel it.
   *
   * @default a random one
   */
  readonly id?: string
  /**
   * Keeps the message in a file (`process.later_path` of the config), so that it is also sent when the application runs
   * again. The payload must be plain data.
   *
   * @default false
   */
  readonly durable?: boolean
}

/** A message that is still to be sent. */
export interface Later {
  /** The id, by which {@link processes.cancelLater} cancels it too. */
  readonly id: string
  /**
   * Cancels it. Returns whether it was still to be sent.
   *
   * @example
   * ```ts
   * const reminder = await processes.sendLater('app:mailer', 'remind', { order: 7 }, { in: '24h' })
   * if (!(await reminder.cancel())) log.info('it was sent already')
   * ```
   */
  cancel(): Promise<boolean>
}

/**
 * Sends a message at a later time, also if its sender has ended by then. Settles when the message is kept. A message
 * that cannot be sent at that time becomes a dead letter.
 *
 * @example
 * ```ts
 * const reminder = await processes.sendLater('app:mailer', 'remind', { order: 7 }, { in: '24h' })
 * await reminder.cancel()
 * ```
 *
 * @param to - A pid, or a name, which is looked up when the message is sent.
 * @throws TroupeError `Invalid` for a payload that cannot be cloned, a reserved topic or a wrong time; `NotFound` for
 *   a pid that does not exist; `AlreadyExists` for the id of a message that waits; `RateLimited` beyond 10,000
 *   waiting messages, or 64 MiB, of one sender or sealed host; `Conflict` for a durable message when another
 *   application has the file open, `Unavailable` when the file cannot be written; `PermissionDenied` (`process.send`,
 *   `process.context`).
 */
function sendLater<const To extends Receiver, const Topic extends TopicOf<MessagesTo<To>>>(
  to: To,
  topic: Topic,
  payload: PayloadOf<MessagesTo<To>, Topic>,
  options: LaterOptions,
): Promise<Later>
async function sendLater(to: string, topic: string, payload: unknown, options: LaterOptions): Promise<Later> {
  checkTopic(topic)
  const { id, durable = false } = options
  const { id: given } = await ask('sendLater', {
    to,
    topic,
    payload: snapshotForKernel(payload),
    time: timeOf(options),
    ...(id !== undefined && { id }),
    durable,
    inherit: inheritedContext(emptySelection),
  })
  return { id: given, cancel: async () => ask('cancelLater', { id: given }) }
}

export const later = {
  sendLater,

  /**
   * Cancels a message that is still to be sent. Returns false when it was sent, or never existed. Code under policies
   * reaches only the messages of its actor, and other code in a sealed host only those of its host: for any other it
   * returns false too.
   *
   * @example
   * ```ts
   * await processes.sendLater('app:mailer', 'remind', { order: 7 }, { in: '24h', id: 'reminder-7' })
   * await processes.cancelLater('reminder-7')
   * ```
   */
  cancelLater(id: string): Promise<boolean> {
    return ask('cancelLater', { id })
  },
}

function timeOf({ in: delay, at }: LaterOptions): { readonly in: number } | { readonly at: number } {
  if ((delay === undefined) === (at === undefined))
    throw invalid('sendLater needs either "in" or "at": { in: "15m" }, { at: new Date(…) }')
  if (delay !== undefined) {
    const ms = milliseconds(delay)
    if (Number.isFinite(ms)) return { in: ms }
    throw invalid('in: the time must be finite', { path: 'in' })
  }
  const moment = Number(at)
  if (Number.isFinite(moment)) return { at: moment }
  throw invalid('at: expected a date, or milliseconds since 1970', { path: 'at' })
}
