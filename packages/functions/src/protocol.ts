/** What this package adds to the protocol between threads and the kernel: calls of functions. */
import type { EntryId, Frame, FrameReference, Pid } from '@troupe/core'
import type { ChosenContext, InheritedContext, Program } from '@troupe/process'

declare module '@troupe/process/protocol' {
  interface Requests extends FunctionRequests {}
  interface ThreadMessages {
    /** To a thread of a pool: calls to run, one after the other. */
    calls: { readonly calls: readonly PostedCall[] }
  }
  interface Roles {
    /** A call of a function. */
    call: unknown
  }
}

/** The requests of threads about calls, and their results. */
export interface FunctionRequests {
  call: { ask: CallRequest; answer: CallAnswer }
  /** Cancels the call that the thread requested under that number. */
  cancelCall: { ask: { readonly request: number }; answer: void }
}

/** A request to call a function. */
export interface CallRequest {
  readonly entry: EntryId
  readonly args: readonly unknown[]
  readonly choice: ChosenContext
  readonly inherit: InheritedContext
}

/** A call that a thread must run: the caller's own thread, or one of a pool. */
export interface StartCall {
  readonly pid: Pid
  readonly program: Program
  readonly frame: Frame
}

/** The service of a thread in a pool. */
export interface Service {
  readonly program: Program
  /** See `call-slots.ts`. Absent in an operating-system process, where a posted call cannot be withdrawn. */
  readonly slots?: SharedArrayBuffer
}

/**
 * A call that waits in a thread of a pool, with its place and number on the board. A tuple, because the keys of an
 * object would be larger than the values.
 */
export type PostedCall = readonly [
  pid: Pid,
  frame: FrameReference,
  place: number,
  number: number,
  ...args: readonly unknown[],
]

/** The result of a call request: the value, or permission to run it in the caller's thread. */
export type CallAnswer =
  | { readonly value: unknown }
  | {
      readonly run: StartCall
      /**
       * Calls of this entry always run in the caller's thread, and it is pinned to no overlay. Where nothing else needs
       * a decision, no request is needed.
       */
      readonly inline: boolean
    }
