/**
 * The frame: the immutable context that code runs in. It is forked, never changed, and follows code through function
 * calls, spawns, messages and HTTP requests. In a thread it lives in an AsyncLocalStorage, inside a slot.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { EntryId } from './id.ts'

/**
 * The overlay of a frame: its id; `null` when the clear network was chosen on purpose; `undefined` when nothing was
 * chosen, so that the application's default applies.
 */
export type OverlayChoice = EntryId | null | undefined

/** On whose behalf code runs. */
export interface Actor {
  /** Not empty; unique in the application. */
  readonly id: string
  /** Plain data, which policies can read; at most 4 KiB. */
  readonly meta: Readonly<Record<string, unknown>>
}

/** See the comment at the top of this file. */
export interface Frame {
  /** The id of the overlay, or that the clear network was chosen. */
  readonly overlay: OverlayChoice
  /** On whose behalf the code runs. */
  readonly actor: Actor | undefined
  /** Ids of the policies in force; `undefined` when no scope was set. */
  readonly scope: readonly EntryId[] | undefined
  /** Values that `withContext` set. */
  readonly values: Readonly<Record<string, unknown>>
  /** Unix time in milliseconds after which the work is pointless. */
  readonly deadline: number | undefined
  /** W3C `traceparent` of the operation that this work belongs to. */
  readonly trace: string | undefined
  /** W3C `tracestate` that belongs to {@link trace}. */
  readonly traceState?: string | undefined
}

/** What a fork changes. An absent key is inherited. */
export type FrameChange = Partial<Frame>

/** The frame in which nothing was chosen. */
export const emptyFrame: Frame = Object.freeze({
  overlay: undefined,
  actor: undefined,
  scope: undefined,
  values: Object.freeze({}),
  deadline: undefined,
  trace: undefined,
  traceState: undefined,
})

/** Returns a fork of `frame` with `change` applied. Values are merged; a deadline can only become earlier. */
export function fork(frame: Frame, change: FrameChange): Frame {
  return Object.freeze({
    overlay: 'overlay' in change ? change.overlay : frame.overlay,
    actor: 'actor' in change ? change.actor : frame.actor,
    scope: 'scope' in change ? change.scope : frame.scope,
    values: change.values ? merged(frame.values, change.values) : frame.values,
    deadline: nearest(frame.deadline, change.deadline),
    trace: change.trace ?? frame.trace,
    // It belongs to one trace: another one does not inherit it.
    traceState: change.trace === undefined ? frame.traceState : change.traceState,
  })
}

/** Frozen values that are merged with none need no copy. */
function merged(values: Frame['values'], changed: Frame['values']): Frame['values'] {
  if (values === emptyFrame.values && Object.isFrozen(changed)) return changed
  return Object.freeze({ ...values, ...changed })
}

function nearest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b
  return b === undefined ? a : Math.min(a, b)
}

/**
 * The place in the async context that holds a frame. A process that waits for a message first enters a new slot, and
 * the message's frame is written into that slot before the wait ends. An `await` resumes in the context in which it
 * began, so the context itself cannot be exchanged later (`docs/discoveries/0001-frames-in-loops.md`).
 */
export interface Slot {
  frame: Frame
  /** The running process or call, opaque to this package. */
  readonly owner: unknown
}

const storage = new AsyncLocalStorage<Slot>()

/** Returns the current slot, if there is one. */
export function currentSlot(): Slot | undefined {
  return storage.getStore()
}

/** Returns the current frame, if there is one. */
export function currentFrame(): Frame | undefined {
  return storage.getStore()?.frame
}

/** Runs `fn` inside `slot`. */
export function runInSlot<T>(slot: Slot, fn: () => T): T {
  return storage.run(slot, fn)
}

/** Runs `fn` in a fork of the current frame. */
export function runInFrame<T>(frame: Frame, fn: () => T): T {
  return storage.run({ frame, owner: storage.getStore()?.owner }, fn)
}

/** Runs `fn` in no slot: what it starts acts for nothing that runs now. */
export function runOutsideSlots<T>(fn: () => T): T {
  return storage.exit(fn)
}

/** Makes `slot` current for the rest of the caller's synchronous code and everything that it awaits. */
export function enterSlot(slot: Slot): void {
  storage.enterWith(slot)
}
