/** Who acts in a thread: a process, a function call, or the program around an application. */
import { currentSlot, type Frame, type Pid, type Slot } from '@troupe/core'
import { lookLater } from './builtins.ts'
import { noCaller } from './no-application.ts'
import type { PendingSend } from './process/pending-sends.ts'

let strict = false
let governs = false

/** `security.strict_mode`: all who act in this thread are asked about. */
export function setStrictMode(on: boolean): void {
  strict = on
}

/** Whether anybody in this thread was ever one about whom the kernel is asked. */
export function hasEnforcedPolicies(): boolean {
  return governs
}

export class Participant {
  readonly pid: Pid
  /** The frame that the kernel issued. */
  readonly frame: Frame
  /** Whether the kernel is asked about what it does; the program around an application is not. */
  readonly policyEnforced: boolean

  constructor(pid: Pid, frame: Frame, policyEnforced = strict || (frame.actor !== undefined && frame.scope !== undefined)) {
    this.pid = pid
    this.frame = frame
    this.policyEnforced = policyEnforced
    governs ||= policyEnforced
  }

  /** Aborts when the process or the call is cancelled; nothing cancels the program around an application. */
  get signal(): AbortSignal | undefined {
    return undefined
  }

  /** Whether it has ended: nothing is sent for it any more. */
  get ended(): boolean {
    return false
  }

  /** Notes a message, or a question, that is not on its way yet. */
  hold<T>(sent: Promise<T>, _held?: PendingSend): Promise<T> {
    return sent
  }

  /** Notes a message that waits for room. */
  note(_held: PendingSend): void {}

  /** A noted message waits no longer. @param _error - Why it was not sent. */
  release(_held: PendingSend, _error: unknown): void {}

  /** A fresh slot that holds its own frame. */
  slot(): Slot {
    return { frame: this.frame, owner: this }
  }
}

let outside: Participant | undefined

/** Who acts where no slot is in force: only the program around an application may, never code in a thread. */
export function setOutsideParticipant(participant: Participant | undefined): void {
  outside = participant
}

/**
 * Who acts now.
 *
 * @throws TroupeError `Invalid` outside an application, and in code that lost its context (a queue filled in one process and drained by
 * another, say).
 */
export function currentParticipant(): Participant {
  lookLater()
  const owner = currentSlot()?.owner
  if (owner instanceof Participant) return owner
  if (outside !== undefined) return outside
  throw noCaller()
}

/** Who acts now, if that is known. */
export function participantInForce(): Participant | undefined {
  const owner = currentSlot()?.owner
  return owner instanceof Participant ? owner : outside
}

/** Who acts where the context was lost, if there is but one in the thread who can. */
export function soleParticipant(participants: readonly Participant[]): Participant | undefined {
  return participants.length === 1 ? participants[0] : undefined
}

/** The frame in force for who acts now. */
export function frameInForce(): Frame {
  return currentSlot()?.frame ?? currentParticipant().frame
}
