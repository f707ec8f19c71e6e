/** The runtime of this thread. */
import { invalid } from '@troupe/core'
import type { RequestName, Requests } from '../protocol.ts'
import { currentParticipant } from './participant.ts'
import type { Runtime } from './runtime.ts'

let runtime: Runtime | undefined

export function setRuntime(next: Runtime | undefined): void {
  runtime = next
}

/** @throws TroupeError `Invalid` outside an application. */
export function currentRuntime(): Runtime {
  if (runtime === undefined) throw invalid('there is no Troupe application in this thread: boot one, or run inside a process or function')
  return runtime
}

/** Asks the kernel on behalf of who acts now. */
export async function ask<Name extends RequestName>(name: Name, question: Requests[Name]['ask']): Promise<Requests[Name]['answer']> {
  return currentRuntime().kernel.request(name, question, currentParticipant().pid)
}
