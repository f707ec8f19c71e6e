/** The participants of a thread: the code that acts in it, and how the current participant is found. */
import { currentSlot, type Frame, type Pid, type Slot } from '@troupe/core'
import { lookLater } from './builtins.ts'
import { noCaller } from './no-application.ts'
import type { PendingSend } from './process/pending-sends.ts'

let strict = false
let governs = false

/** `security.strict_mode`: policies govern all participants in this thread. */
export function setStrictMode(on: boolean): void {
  strict = on
}

/** Whether policies ever governed any participant in this thread. */
export function hasEnforcedPolicies(): boolean {
  return governs
}

/** A process, a function call, or the program around an application. */
export class Participant {
  readonly pid: Pid
  /** The frame that the kernel issued. */
  readonly frame: Frame
  /** Whether policies govern its actions; they never govern the program around the application. */
  readonly policyEnforced: boolean

  constructor(pid: Pid, frame: Frame, policyEnforced = strict || (frame.actor !== undefined && frame.scope !== undefined)) {
    this.pid = pid
    this.frame = frame
    this.policyEnforced = policyEnforced
    governs ||= policyEnforced
  }

  /**
   * Aborts when the process or the call is cancelled; `undefined` for the program around an application, which cannot
   * be cancelled.
   */
  get signal(): AbortSignal | undefined {
    return undefined
  }

  /** Whether it has ended: nothing more is sent for it. */
  get ended(): boolean {
    return false
  }

  /** Records a message or a request that is not posted yet. */
  hold<T>(sent: Promise<T>, _held?: PendingSend): Promise<T> {
    return sent
  }

  /** Records a message that waits for room. */
  note(_held: PendingSend): void {}

  /** A recorded message no longer waits. @param _error - Why it was not sent. */
  release(_held: PendingSend, _error: unknown): void {}

  /** A new slot that holds its own frame. */
  slot(): Slot {
    return { frame: this.frame, owner: this }
  }
}

let outside: Participant | undefined

/** Sets the participant where no slot is in force: only the program around an application, never code in a thread. */
export function setOutsideParticipant(participant: Participant | undefined): void {
  outside = participant
}

/**
 * Returns the current participant.
 *
 * @throws TroupeError `Invalid` outside an application, and in code that lost its context, for instance a queue that
 * one process fills and another drains.
 */
export function currentParticipant(): Participant {
  lookLater()
  const owner = currentSlot()?.owner
  if (owner instanceof Participant) return owner
  if (outside !== undefined) return outside
  throw noCaller()
}

/** Returns the current participant, if it is known. */
export function participantInForce(): Participant | undefined {
  const owner = currentSlot()?.owner
  return owner instanceof Participant ? owner : outside
}

/** Returns the participant for code that lost its context, if only one in the thread is possible. */
export function soleParticipant(participants: readonly Participant[]): Participant | undefined {
  return participants.length === 1 ? participants[0] : undefined
}

/** The frame in force for the current participant. */
export function frameInForce(): Frame {
  return currentSlot()?.frame ?? currentParticipant().frame
}
