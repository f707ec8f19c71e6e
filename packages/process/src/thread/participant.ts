/** The participants of a thread: the code that acts in it, and how the current participant is found. */
import { currentSlot, type Frame, type Pid, type Slot } from '@troupe/core'
import { lookLater } from './builtins.ts'
import { noCaller, noteApplication, severalApplications } from './no-application.ts'
import type { PendingSend } from './process/pending-sends.ts'

let governs = false

/** What a participant knows of the runtime of its thread. */
export interface ParticipantRuntime {
  /** `security.strict_mode`: policies govern all participants. */
  readonly isStrict: boolean
  /** The program in the thread that is not a process. */
  readonly root: Participant
}

/** Whether policies ever governed any participant in this thread. */
export function hasEnforcedPolicies(): boolean {
  return governs
}

/** A process, a task, or the program around an application. */
export class Participant {
  readonly pid: Pid
  /** The frame that the kernel issued. */
  readonly frame: Frame
  /** The runtime to which it belongs: a program may contain several applications, each with its own. */
  readonly runtime: ParticipantRuntime | undefined
  /** Whether policies govern its actions; they never govern the program around the application. */
  readonly policyEnforced: boolean

  constructor(
    pid: Pid,
    frame: Frame,
    runtime?: ParticipantRuntime,
    policyEnforced = runtime?.isStrict === true || (frame.actor !== undefined && frame.scope !== undefined),
  ) {
    this.pid = pid
    this.frame = frame
    this.runtime = runtime
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

/** The programs around the applications that run here: they act where no slot is in force. Never in other threads. */
const programs = new Set<Participant>()

/** From now on, until the returned function is called, code in no slot is the program around an application. */
export function actOutsideSlots(program: Participant): () => void {
  programs.add(program)
  noteApplication(true)
  return () => {
    programs.delete(program)
    if (programs.size === 0) noteApplication(false)
  }
}

/**
 * Returns the program around the application that runs in this thread, if there is one.
 *
 * @throws TroupeError `Invalid` when there are several.
 */
export function soleProgram(): Participant | undefined {
  if (programs.size > 1) throw severalApplications(programs.size)
  const [sole] = programs
  return sole
}

/**
 * Returns the current participant.
 *
 * @throws TroupeError `Invalid` outside an application, outside of several, and in code that lost its context, for
 *   instance a queue that one process fills and another drains.
 */
export function currentParticipant(): Participant {
  lookLater()
  const owner = currentSlot()?.owner
  if (owner instanceof Participant) return owner
  const program = soleProgram()
  if (program !== undefined) return program
  throw noCaller()
}

/** Whether a participant of `runtime` is in force. */
export function isActingIn(runtime: ParticipantRuntime): boolean {
  const owner = currentSlot()?.owner
  return owner instanceof Participant && owner.runtime === runtime
}

/** A participant, and the frame in which its code runs now. */
export interface ActingParticipant {
  readonly owner: Participant
  readonly frame: Frame
}

/** The current participant with the frame in force. @throws TroupeError `Invalid`, as {@link currentParticipant}. */
export function actingParticipant(): ActingParticipant {
  const slot = currentSlot()
  if (isActing(slot)) {
    lookLater()
    return slot
  }
  const owner = currentParticipant()
  return { owner, frame: slot?.frame ?? owner.frame }
}

function isActing(slot: Slot | undefined): slot is Slot & ActingParticipant {
  return slot?.owner instanceof Participant
}

/** Returns the current participant, if it is known and belongs to `runtime`. */
export function participantIn(runtime: ParticipantRuntime): Participant | undefined {
  const owner = currentSlot()?.owner
  if (!(owner instanceof Participant)) return programs.has(runtime.root) ? runtime.root : undefined
  return owner.runtime === undefined || owner.runtime === runtime ? owner : undefined
}

/** Returns the participant for code that lost its context, if only one in the thread is possible. */
export function soleParticipant(participants: readonly Participant[]): Participant | undefined {
  return participants.length === 1 ? participants[0] : undefined
}

/** The frame in force for the current participant. */
export function frameInForce(): Frame {
  return currentSlot()?.frame ?? currentParticipant().frame
}
