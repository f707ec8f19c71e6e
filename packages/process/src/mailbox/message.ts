/** A message on its way, and the message as its receiver sees it. */
import { type Frame, fork, isBoxed, type Pid } from '@troupe/core'
import type { StartProcess } from '../protocol/kernel-thread.ts'
import type { ReceiveWindow } from './receive-window.ts'
import { type Transfer, unpack } from './payload.ts'

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
  /** The sender thread's receive window, to be told when the message is taken; none within a thread. */
  readonly receiveWindow: ReceiveWindow | undefined
  /** The message's number in its flow. */
  readonly sequence: number
}

/** How a message is replied to. */
export interface ReplyOptions {
  /** Objects in the reply that move to the caller instead of being copied. */
  readonly transfer?: Transfer
}

/** A message that a process was started with. */
export function firstEnvelope(message: StartProcess['messages'][number]): Envelope {
  return { ...message, call: 0, receiveWindow: undefined, sequence: 0 }
}

/** Carries a reply back to the caller. */
export type ReplySender = (to: Pid, call: number, payload: unknown, transfer: Transfer) => void

/** A message as its receiver gets it. */
export class Message {
  readonly topic: string
  /** Who sent it. */
  readonly from: Pid
  readonly payload: unknown
  /** The sender's frame. The message is handled in the receiver's network, whatever this one's is. */
  readonly frame: Frame
  readonly #call: number
  readonly #answer: ReplySender

  constructor(envelope: Envelope, answer: ReplySender) {
    this.topic = envelope.topic
    this.from = envelope.from
    this.payload = unpack(envelope.payload)
    this.frame = opened(envelope.frame)
    this.#call = envelope.call
    this.#answer = answer
  }

  /** Whether the sender waits for a reply. */
  get expectsReply(): boolean {
    return this.#call !== 0
  }

  /**
   * Replies to a message that came by `processes.call`. The first reply counts; one that comes too late is dropped. On a message that
   * was merely sent it does nothing. For a reply that cannot be cloned, the call rejects with `Invalid` and the path.
   */
  reply(payload?: unknown, options: ReplyOptions = {}): void {
    if (this.#call !== 0) this.#answer(this.from, this.#call, payload, options.transfer ?? [])
  }
}

/** The last frame that a message was read with: most messages of a sender come in one. */
let lastRead: { readonly frame: Frame; readonly opened: Frame } | undefined

/** A frame as user code reads it: its values travel in the form of `payload.ts`, in which errors are whole. */
function opened(frame: Frame): Frame {
  if (lastRead?.frame === frame) return lastRead.opened
  const names = Object.keys(frame.values)
  const values = Object.fromEntries(names.map((name) => [name, openValue(frame.values[name])]))
  const isPlain = names.every((name) => values[name] === frame.values[name])
  lastRead = { frame, opened: isPlain ? frame : fork(frame, { values }) }
  return lastRead.opened
}

/** The value as it was sent. Opening uses up what is opened, and the frame goes on: what holds errors is copied first. */
function openValue(value: unknown): unknown {
  return isBoxed(value) ? unpack(structuredClone(value)) : value
}
