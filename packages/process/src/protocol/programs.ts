/** Programs, and how processes of them are started. */
import type { Actor, EntryId, Frame, OverlayChoice, Pid, WireError } from '@troupe/core'

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
  readonly traceState?: Frame['traceState']
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
