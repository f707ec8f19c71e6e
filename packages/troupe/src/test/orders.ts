/** The messages between a test and a probe in its own thread: orders and their results. */
import type { Frame, Pid } from '@troupe/core'
import type { ProcessEvent } from '@troupe/process'

/** The topic of orders, separate from the messages that the probe is meant to receive. */
export const orderTopic = 'troupe:probe'

export type Order =
  | { readonly do: 'next'; readonly topic: string | undefined; readonly timeout: number }
  | { readonly do: 'event'; readonly type: ProcessEvent['type']; readonly timeout: number }
  | { readonly do: 'spawn'; readonly id: string; readonly host: string; readonly args: readonly unknown[] }
  | { readonly do: 'send'; readonly to: string; readonly topic: string; readonly payload: unknown }
  | { readonly do: 'call'; readonly to: string; readonly topic: string; readonly payload: unknown }
  | { readonly do: 'reply'; readonly number: number; readonly payload: unknown }
  | { readonly do: 'end'; readonly value: unknown }

/** The results of orders. */
export interface Results {
  readonly next: TakenMessage
  readonly event: ProcessEvent
  readonly spawn: Pid
  readonly send: void
  readonly call: unknown
  readonly reply: void
  readonly end: void
}

export function isOrder(payload: unknown): payload is Order {
  return typeof payload === 'object' && payload !== null && 'do' in payload
}

/** How an order ended. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** A message that the probe has taken; the test replies to it by its number. */
export interface TakenMessage {
  readonly number: number
  /** The topic that the sender chose. */
  readonly topic: string
  /** The sender. */
  readonly from: Pid
  /** A copy of what was sent. */
  readonly payload: unknown
  /** The frame of the sender: overlay, actor, scope, values, deadline. */
  readonly frame: Frame
  /** Whether the sender waits for a reply. */
  readonly expectsReply: boolean
}

export function isOutcome(reply: unknown): reply is Outcome {
  return typeof reply === 'object' && reply !== null && ('value' in reply || 'error' in reply)
}
