/** Sends messages and calls. The compiler checks them where the messages of the receiver are declared. */
import {
  type CallTopicOf,
  currentFrame,
  type Frame,
  isPid,
  isTracing,
  type Pid,
  type ReplyOf,
  type SendArguments,
  type TopicOf,
  traced,
} from '@troupe/core'
import type { MessagesTo, Receiver } from '@troupe/core/entries'
import { pack, type Transfer } from '../mailbox/payload.ts'
import { currentRuntime } from '../thread/current.ts'
import { checkTopic } from '../thread/messaging/send-errors.ts'
import { type ActingParticipant, actingParticipant } from '../thread/participant.ts'
import { callSpan, inSpan } from '../thread/spans.ts'
import { milliseconds } from '../thread/timeout.ts'
import { findFor } from './find-process.ts'

/** Options of `processes.send` and `processes.trySend`. */
export interface SendOptions {
  /** Objects in the payload that are transferred to the receiver instead of copied. */
  readonly transfer?: Transfer
}

/** Options of `processes.call`. */
export interface ProcessCallOptions extends SendOptions {
  /**
   * Milliseconds, or a duration such as `5s`; `Infinity` to wait as long as the callee lives. @default 30s, or the
   * frame's deadline if that is earlier
   */
  readonly timeout?: number | string
}

const noTransfer: Transfer = []

function outgoing(to: Pid, topic: string, payload: unknown, frame: Frame, { transfer = noTransfer }: SendOptions) {
  return { to, topic, payload, frame, transfer, packed: undefined }
}

/** Default timeout of a call, in milliseconds. */
const callTimeout = 30_000

function ms(timeout: number | string | undefined): number {
  if (timeout !== undefined) return milliseconds(timeout)
  const deadline = currentFrame()?.deadline
  return deadline === undefined ? callTimeout : Math.min(callTimeout, Math.max(0, deadline - Date.now()))
}

/**
 * Sends a message. Settles when the receiver's mailbox has accepted it; waits while the mailbox is full. If `to` is a
 * name and its process ends before it has accepted the message, the name is looked up once more.
 *
 * @example
 * ```ts
 * await processes.send('app:mailer', 'mail', { to: 'ann@example.org' })
 * ```
 *
 * @param to - A pid or a name.
 * @throws TroupeError `NotFound` when the process does not exist; `Invalid` for a payload that cannot be cloned or a
 * reserved topic; `PermissionDenied` by a policy (`process.send`), or for a receiver in another network that does not
 * accept messages from the sender's.
 */
export function send<const To extends Receiver, const Topic extends TopicOf<MessagesTo<To>>>(
  to: To,
  topic: Topic,
  ...message: SendArguments<MessagesTo<To>, Topic, SendOptions>
): Promise<void>
export function send(to: string, topic: string, payload?: unknown, options: SendOptions = {}): Promise<void> {
  const runtime = currentRuntime()
  const { owner: by, frame } = actingParticipant()
  if (isPid(to) && !by.policyEnforced) return runtime.router.send(by, outgoing(to, topic, payload, frame, options))
  try {
    checkTopic(topic)
    return runtime.router.sendByName(by, to, async () => findFor(by, 'process.send', to), {
      topic,
      frame,
      payload,
      transfer: noTransfer,
      packed: pack(payload, options.transfer ?? noTransfer),
    })
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * Sends a message if there is room for it now. Takes a pid, not a name.
 *
 * @example
 * ```ts
 * const mailer = await processes.spawn('app:mailer', 'app:threads')
 * if (!processes.trySend(mailer, 'mail', { to: 'ann@example.org' })) log.warn('the mailer is busy')
 * ```
 *
 * @returns false when the mailbox is full or the process is known to have ended. For a process in another thread,
 * also beyond four messages, until that thread has reported its free room. Where policies are in force, also until
 * the kernel has allowed it.
 */
export function trySend<const To extends Pid, const Topic extends TopicOf<MessagesTo<To>>>(
  to: To,
  topic: Topic,
  ...message: SendArguments<MessagesTo<To>, Topic, SendOptions>
): boolean
export function trySend(to: Pid, topic: string, payload?: unknown, options: SendOptions = {}): boolean {
  const { router, permissions } = currentRuntime()
  const { owner: by, frame } = actingParticipant()
  const asked = permissions.ask(by, 'process.send', to)
  if (asked === undefined) return router.trySend(by, outgoing(to, topic, payload, frame, options))
  // This function cannot wait. A caller that is denied gets the error from `send`.
  asked.catch(() => undefined)
  return false
}

/**
 * Sends a message and waits for its reply, 30 seconds by default ({@link ProcessCallOptions}).
 *
 * @example
 * ```ts
 * const visits = await processes.call('app:counter', 'visit', undefined, { timeout: '5s' })
 * ```
 *
 * @param to - A pid or a name.
 * @returns what the callee gave to `message.reply`.
 * @throws the error that the callee gave to `message.fail` or `message.refuse`. TroupeError `NotFound` when the callee
 * does not exist, and as soon as it has ended; `Timeout` when no reply came in time; `Unavailable` when a selective
 * receive of the callee skipped the message and there was no more room for it; `Invalid` for a payload that cannot be
 * cloned, a reserved topic, and a call to the caller itself, which would wait for its own reply; `PermissionDenied`
 * like `processes.send`.
 */
export function call<const To extends Receiver, const Topic extends CallTopicOf<MessagesTo<To>>>(
  to: To,
  topic: Topic,
  ...message: SendArguments<MessagesTo<To>, Topic, ProcessCallOptions>
): Promise<ReplyOf<MessagesTo<To>, Topic>>
export async function call(
  to: string,
  topic: string,
  payload?: unknown,
  options: ProcessCallOptions = {},
): Promise<unknown> {
  const acting = actingParticipant()
  const span = isTracing() ? callSpan(to, topic) : undefined
  if (span === undefined) return callIn(acting, to, topic, payload, options)
  const inside = { owner: acting.owner, frame: inSpan(acting.frame, span) }
  return traced(span, async () => callIn(inside, to, topic, payload, options))
}

async function callIn(
  { owner: by, frame }: ActingParticipant,
  to: string,
  topic: string,
  payload: unknown,
  options: ProcessCallOptions,
): Promise<unknown> {
  const { router } = currentRuntime()
  const timeout = ms(options.timeout)
  if (isPid(to) && !by.policyEnforced) return router.call(by, outgoing(to, topic, payload, frame, options), timeout)
  const transfer = options.transfer ?? noTransfer
  const packed = pack(payload, transfer)
  const pid = await findFor(by, 'process.send', to)
  return router.call(by, { to: pid, topic, payload, frame, transfer, packed }, timeout)
}
