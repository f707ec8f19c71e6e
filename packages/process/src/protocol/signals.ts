/** What threads send each other. */
import type { EntryId, FrameReference, Pid, WireError } from '@troupe/core'
import type { CreditKind, CreditReport } from '../mailbox/reservations.ts'
import type { Watcher, WireExit } from './programs.ts'

/** Messages of one sender to one receiver, with one topic and one frame. A run of them travels as one signal. */
export interface SendRun {
  readonly op: 'send'
  readonly to: Pid
  readonly from: Pid
  readonly topic: string
  readonly frame: FrameReference
  readonly payloads: unknown[]
  /** Number of the call that waits for the reply; such a message travels alone. */
  readonly call: number
  readonly claim: CreditKind
}

/** From thread to thread, in order: one array of these per turn of the event loop. */
export type Signal =
  | SendRun
  | { readonly op: 'reply'; readonly call: number; readonly payload: unknown }
  /** Sent instead of a reply that cannot be carried. */
  | { readonly op: 'badReply'; readonly call: number; readonly error: WireError }
  | ({ readonly op: 'flow'; readonly from: Pid } & CreditReport)
  /** The process needs back the room that it has reserved for the thread, beyond `keep`. */
  | { readonly op: 'reclaim'; readonly from: Pid; readonly keep: number }
  /** Gives back reserved room. With 0 credits, the thread requests a report. */
  | { readonly op: 'giveBack'; readonly to: Pid; readonly credits: number }
  /**
   * A process has ended. Its own thread reports the outcome of the messages that had arrived by then; later ones are
   * lost.
   */
  | { readonly op: 'closed'; readonly pid: Pid; readonly arrived: number; readonly error?: WireError }
  /** The process does not accept messages from the sender's network. */
  | { readonly op: 'refused'; readonly pid: Pid; readonly call: number; readonly network: EntryId | null }
  /** A thread that is about to end requests a notification when everything sent before has arrived. */
  | { readonly op: 'mark' }
  | { readonly op: 'passed' }
  | { readonly op: 'monitor'; readonly target: Pid; readonly watcher: Watcher }
  | { readonly op: 'unmonitor'; readonly target: Pid; readonly watcher: Pid }
  | { readonly op: 'link'; readonly target: Pid; readonly other: Pid }
  | { readonly op: 'unlink'; readonly target: Pid; readonly other: Pid }
  | { readonly op: 'exit'; readonly from: Pid; readonly watcher: Watcher; readonly exit: WireExit }
  | { readonly op: 'linkDown'; readonly from: Pid; readonly to: Pid; readonly error: WireError | undefined }

/** The signal of one kind. */
export type SignalOf<Op extends Signal['op']> = Extract<Signal, { readonly op: Op }>
