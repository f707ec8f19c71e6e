/** Programs, and how processes and calls of them are started. */
import type { Actor, EntryId, Frame, FrameReference, OverlayChoice, Pid, WireError } from '@troupe/core'

/** How a process ended, on the wire. */
export type WireExit = { readonly value: unknown } | { readonly error: WireError }

/** What a thread needs to run an entry's method. */
export interface Program {
  readonly entry: EntryId
  /** URL of the module. */
  readonly module: string
  readonly method: string
  /** Runs as a program of the shell: with `process.argv`, and its result is a `CommandResult`. */
  readonly isCommand?: true
  /** Milliseconds within which its module has to load. @default no limit; slow loading is reported */
  readonly loadTimeout?: number
}

/** A program that a thread may start without the kernel. */
export interface KnownProgram {
  readonly program: Program
  /** The overlay to which the entry is pinned. */
  readonly pin: OverlayChoice
  /** Overlays from which its processes accept messages, in addition to their own and the clear network. */
  readonly accepts: Accepts
}

/** Overlays whose messages a process of another network accepts: all, or those in the list. */
export type Accepts = 'any' | readonly EntryId[]

/** The caller's choices for a spawn or a call, in addition to what is inherited. */
export interface ChosenContext {
  /** An explicitly chosen overlay; needs permission. */
  readonly network?: EntryId | null
  readonly actor?: Actor
  readonly scope?: readonly EntryId[]
}

/**
 * What a spawn or a call inherits: the part of the caller's frame that needs no permission, and the overlay in force.
 */
export interface InheritedContext {
  readonly overlay: OverlayChoice
  readonly values: Frame['values']
  readonly deadline: Frame['deadline']
  readonly trace: Frame['trace']
}

/** The receiver of the notification of a process's end: a process (as an event), or a promise in a thread. */
export interface Watcher {
  readonly pid: Pid
  /** Number of the promise; 0 for an event. */
  readonly promise: number
}

export interface SpawnRequest {
  readonly entry: EntryId
  readonly host: EntryId
  readonly args: readonly unknown[]
  readonly choice: ChosenContext
  readonly inherit: InheritedContext
  readonly monitor?: Watcher
  readonly link?: Pid
  readonly name?: string
  readonly messages?: readonly FirstMessage[]
}

/** A message that a process finds in its mailbox when it starts. */
export interface FirstMessage {
  readonly topic: string
  readonly payload: unknown
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
  /** See `call-slots.ts`. */
  readonly slots: SharedArrayBuffer
}

/**
 * A call that waits in a thread of a pool, with its place and number on the board. A tuple, because the keys of an
 * object would be larger than the values.
 */
export type PostedCall = readonly [pid: Pid, frame: FrameReference, place: number, number: number, ...args: readonly unknown[]]

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
