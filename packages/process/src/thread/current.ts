/** The runtime of this thread. */
import type { RequestName, Requests } from '../protocol/requests.ts'
import { setLoadLog } from './load-log.ts'
import { noApplication, noteApplication } from './no-application.ts'
import { currentParticipant } from './participant.ts'
import type { Runtime } from './runtime.ts'

let runtime: Runtime | undefined

/** Sets the runtime of this thread; `undefined` after it has stopped. */
export function setRuntime(next: Runtime | undefined): void {
  runtime = next
  noteApplication(next !== undefined)
  setLoadLog(next === undefined ? undefined : (message) => logLine(next, message))
}

function logLine({ kernel }: Runtime, message: string): void {
  const line = { level: 'warn' as const, time: Date.now(), message, fields: {}, trace: undefined, overlay: undefined }
  kernel.request('log', line, currentParticipant().pid).catch(() => {
    process.emitWarning(message)
  })
}

/** @throws TroupeError `Invalid` outside an application. */
export function currentRuntime(): Runtime {
  if (runtime === undefined) throw noApplication()
  return runtime
}

/** Sends a request to the kernel on behalf of the current participant. */
export async function ask<Name extends RequestName>(name: Name, question: Requests[Name]['ask']): Promise<Requests[Name]['answer']> {
  return currentRuntime().kernel.request(name, question, currentParticipant().pid)
}
