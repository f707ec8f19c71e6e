/** The main loop of a process whose messages are declared. */
import { type AnswerOf, type CallTopicOf, invalid, type ReceivedOf, type TopicOf, TroupeError } from '@troupe/core'
import { type Message, self } from '@troupe/process'
import { Protocol } from './protocol.ts'

/** A function for each topic. What it returns is the reply of a call. */
export type Handlers<Messages> = {
  readonly [Topic in TopicOf<Messages>]: (
    payload: ReceivedOf<Messages, Topic>,
    message: Message,
  ) => Topic extends CallTopicOf<Messages> ? AnswerOf<Messages, Topic> | Promise<AnswerOf<Messages, Topic>> : unknown
}

/**
 * Handles the messages of this process, one after the other, until it is asked to stop.
 *
 * A call with an unknown topic, or with a payload that its validator refuses, is rejected with `Invalid`; such a
 * message without a call becomes a dead letter, or is passed to `dropped`. If a handler throws, its call is rejected
 * with the error, and then this function throws it, so that the process ends and its supervisor decides.
 *
 * @example
 * ```ts
 * import { z } from 'zod'
 *
 * export const messages = { visit: { payload: z.url() }, count: { reply: z.int() } }
 *
 * export async function main() {
 *   const seen = new Set<string>()
 *   await handleMessages(messages, { visit: (url) => seen.add(url), count: () => seen.size })
 * }
 * ```
 *
 * @param messages - For each topic, a validator of the `payload` and of the `reply`, where there are any.
 * @param dropped - Receives what was wrong with a message without a call. @default it becomes a dead letter
 * @throws what a handler threw; TroupeError `Invalid` outside a process, and for a reply that its validator refuses.
 */
export async function handleMessages<Messages extends object>(
  messages: Messages,
  handlers: Handlers<Messages>,
  { dropped }: { readonly dropped?: (error: unknown, message: Message) => void } = {},
): Promise<void> {
  const protocol = new Protocol(messages)
  for await (const message of self.inbox) {
    const { topic } = message
    let payload: unknown
    try {
      payload = await protocol.payload(topic, message.payload)
    } catch (error) {
      if (message.expectsReply) message.refuse(error)
      else if (dropped === undefined) message.refuse(withoutValues(error))
      else dropped(error, message)
      continue
    }
    try {
      const value = await handle(handlers, topic, payload, message)
      message.reply(await protocol.reply(topic, value))
    } catch (error) {
      message.fail(error)
      throw error
    }
  }
}

function handle(handlers: object, topic: string, payload: unknown, message: Message): unknown {
  const handler: unknown = Reflect.get(handlers, topic)
  if (typeof handler !== 'function') throw invalid(`there is no handler of message "${topic}"`, { topic })
  return Reflect.apply(handler, handlers, [payload, message])
}

/** A dead letter is logged: the words of a validator may contain the payload, and are left out. */
function withoutValues(error: unknown): TroupeError {
  const paths = error instanceof TroupeError ? error.details['paths'] : undefined
  if (!Array.isArray(paths)) return error instanceof TroupeError ? error : invalid('its validator failed')
  return invalid(`its payload does not fit${paths.length === 0 ? '' : ` at ${paths.join(', ')}`}`)
}
