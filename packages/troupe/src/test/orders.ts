/** What a test tells a probe in a thread of its own, and what comes back. */
import type { Frame, Pid } from '@troupe/core'
import type { ProcessEvent } from '@troupe/process'

/** The topic of orders, apart from the messages that the probe is there for. */
export const orderTopic = 'troupe:probe'

export type Order =
  | { readonly do: 'next'; readonly topic: string | undefined; readonly timeout: number }
  | { readonly do: 'event'; readonly type: ProcessEvent['type']; readonly timeout: number }
  | { readonly do: 'spawn'; readonly id: string; readonly host: string; readonly args: readonly unknown[] }
  | { readonly do: 'send'; readonly to: string; readonly topic: string; readonly payload: unknown }
  | { readonly do: 'call'; readonly to: string; readonly topic: string; readonly payload: unknown }
  | { readonly do: 'reply'; readonly number: number; readonly payload: unknown }
  | { readonly do: 'end'; readonly value: unknown }

/** What orders come to. */
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

/** A message that the probe has taken; it is replied to by its number. */
export interface TakenMessage {
  readonly number: number
  readonly topic: string
  readonly from: Pid
  readonly payload: unknown
  readonly frame: Frame
  readonly expectsReply: boolean
}

export function isOutcome(reply: unknown): reply is Outcome {
  return typeof reply === 'object' && reply !== null && ('value' in reply || 'error' in reply)
}
