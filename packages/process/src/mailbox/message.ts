/** A message in transit, and the message as its receiver sees it. */
import { type Frame, fork, isBoxed, type Pid } from '@troupe/core'
import type { StartProcess } from '../protocol/kernel-thread.ts'
import type { ReceiveWindow } from './reservations.ts'
import { type Transfer, unpack } from './payload.ts'
import { Refusal } from './refusal.ts'

/** A message in a mailbox. */
export interface Envelope {
  readonly topic: string
  readonly from: Pid
  /** In the form of `payload.ts`. */
  readonly payload: unknown
  /** The sender's frame, frozen. */
  readonly frame: Frame
  /** Number of the call that waits for a reply at the sender; 0 when none does. */
  readonly call: number
  /**
   * The receive window of the sender's thread, to be notified when the message is taken; `undefined` within a thread.
   */
  readonly receiveWindow: ReceiveWindow | undefined
  /** The message's number in its window. */
  readonly sequence: number
  /** Called when the receiver asks for the message after this one. */
  readonly onHandled?: () => void
}

/** Options of a reply. */
export interface ReplyOptions {
  /** Objects in the reply that are transferred to the caller instead of copied. */
  readonly transfer?: Transfer
}

/** The envelope of a message with which a process was started. */
export function firstEnvelope(message: StartProcess['messages'][number]): Envelope {
  return { ...message, call: 0, receiveWindow: undefined, sequence: 0 }
}

/** Sends a reply back to the caller. */
export type ReplySender = (to: Pid, call: number, payload: unknown, transfer: Transfer) => void

/** What a message needs of its thread. */
export interface MessageServices {
  readonly answer: ReplySender
  /** The process `to` refused a message, with an error. */
  readonly onRefused: (to: Pid, message: Pick<Envelope, 'from' | 'topic' | 'call'>, error: unknown) => void
}

/** A message as its receiver sees it. */
export class Message {
  /** The topic that the sender chose. */
  readonly topic: string
  /** The sender. */
  readonly from: Pid
  /** A copy of what was sent; what was transferred is the object itself. */
  readonly payload: unknown
  /** The sender's frame. The message is handled in the receiver's network, regardless of the network in this frame. */
  readonly frame: Frame
  readonly #call: number
  readonly #to: Pid
  readonly #services: MessageServices

  constructor(envelope: Envelope, to: Pid, services: MessageServices) {
    this.topic = envelope.topic
    this.from = envelope.from
    this.payload = unpack(envelope.payload)
    this.frame = opened(envelope.frame)
    this.#call = envelope.call
    this.#to = to
    this.#services = services
  }

  /** Whether the sender waits for a reply. */
  get expectsReply(): boolean {
    return this.#call !== 0
  }

  /**
   * Replies to a message that was sent with `processes.call`. Only the first reply counts; a late reply is dropped.
   * Does nothing for a message that was sent without a call. For a reply that cannot be cloned, the call rejects with
   * `Invalid` and the path.
   *
   * @example
   * ```ts
   * for await (const message of self.inbox) message.reply({ length: String(message.payload).length })
   * ```
   */
  reply(payload?: unknown, options: ReplyOptions = {}): void {
    if (this.#call !== 0) this.#services.answer(this.from, this.#call, payload, options.transfer ?? [])
  }

  /**
   * Replies with an error: the caller's `processes.call` throws it. Only the first reply counts. Does nothing for a
   * message that was sent without a call.
   *
   * @example
   * ```ts
   * for await (const message of self.inbox) message.fail(new TroupeError('Invalid', `${message.topic}: no such topic`))
   * ```
   */
  fail(error: unknown): void {
    if (this.#call !== 0) this.#services.answer(this.from, this.#call, new Refusal(error), [])
  }

  /**
   * Refuses a message that the process does not accept. A call rejects with the error. A message that was sent without
   * a call becomes a dead letter, which contains the message of the error.
   *
   * @example
   * ```ts
   * for await (const message of self.inbox) {
   *   if (message.topic === 'mail') message.reply('kept')
   *   else message.refuse(new TroupeError('Invalid', `${message.topic}: no such topic`))
   * }
   * ```
   */
  refuse(error: unknown): void {
    this.#services.onRefused(this.#to, { from: this.from, topic: this.topic, call: this.#call }, error)
  }
}

/** The last frame that was read with values that had to be opened: most messages of a sender have the same frame. */
let lastOpened: { readonly frame: Frame; readonly opened: Frame } | undefined

/** A frame as user code reads it. Its values are sent in the form of `payload.ts`, in which errors are complete. */
function opened(frame: Frame): Frame {
  const { values } = frame
  for (const name in values) if (isBoxed(values[name])) return openedValues(frame)
  return frame
}

function openedValues(frame: Frame): Frame {
  if (lastOpened?.frame === frame) return lastOpened.opened
  const values = Object.fromEntries(Object.entries(frame.values).map(([name, value]) => [name, openValue(value)]))
  lastOpened = { frame, opened: fork(frame, { values }) }
  return lastOpened.opened
}

/**
 * The value as it was sent. Decoding consumes its input, and the frame is still needed, so a value that contains errors
 * is copied first.
 */
function openValue(value: unknown): unknown {
  return isBoxed(value) ? unpack(structuredClone(value)) : value
}
