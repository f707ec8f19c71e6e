/** The runtime of this thread. */
import { currentSlot } from '@troupe/core'
import type { RequestName, Requests } from '../protocol/requests.ts'
import { setLoadLog } from './load-log.ts'
import { hasStopped, noApplication, noteApplication } from './no-application.ts'
import {
  actOutsideSlots,
  currentParticipant,
  Participant,
  type ParticipantRuntime,
  soleProgram,
} from './participant.ts'
import type { Runtime } from './runtime.ts'

/** The runtime of a thread of an application: one for its whole life. */
let own: Runtime | undefined
/** In the program's own thread: the runtimes of the applications that run there. */
const ofProgram = new Map<ParticipantRuntime, Runtime>()

/** Sets the runtime of this thread, which is one of an application. */
export function setRuntime(runtime: Runtime): void {
  own = runtime
  noteApplication(true)
  setLoadLog(logLine)
}

/**
 * An application runs in the program's own thread, until the returned function is called.
 *
 * @param isAmbient - Whether code in no slot acts in it, as the program.
 */
export function joinProgram(runtime: Runtime, isAmbient = true): () => void {
  ofProgram.set(runtime, runtime)
  const leave = isAmbient ? actOutsideSlots(runtime.root) : () => undefined
  setLoadLog(logLine)
  return () => {
    leave()
    ofProgram.delete(runtime)
    if (ofProgram.size === 0) setLoadLog(undefined)
  }
}

function logLine(message: string): void {
  const line = { level: 'warn' as const, time: Date.now(), message, fields: {}, trace: undefined, overlay: undefined }
  ask('log', line).catch(() => {
    process.emitWarning(message)
  })
}

/**
 * Returns the runtime of this thread; in the program's own thread, that of the application in which the code acts.
 *
 * @throws TroupeError `Invalid` outside an application, in one that has stopped, and outside of several.
 */
export function currentRuntime(): Runtime {
  if (own !== undefined) return own
  const owner = currentSlot()?.owner
  const found = owner instanceof Participant ? owner.runtime : soleProgram()?.runtime
  if (found === undefined) throw noApplication()
  const runtime = ofProgram.get(found)
  if (runtime === undefined) throw hasStopped()
  return runtime
}

/** Returns whether this thread runs code of an application: its processes or functions, and not its program. */
export function isApplicationThread(): boolean {
  return own !== undefined && own.thread !== 0
}

/** Sends a request to the kernel on behalf of the current participant. */
export async function ask<Name extends RequestName>(
  name: Name,
  question: Requests[Name]['ask'],
): Promise<Requests[Name]['answer']> {
  return currentRuntime().kernel.request(name, question, currentParticipant().pid)
}
