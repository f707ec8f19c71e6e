/** Finds processes by name or pid, for the code that acts now. */
import { invalid, isPid, notFound, type Pid } from '@troupe/core'
import { currentRuntime } from '../thread/current.ts'
import { currentParticipant, type Participant } from '../thread/participant.ts'
import { LocalProcess } from '../thread/process/local-process.ts'
import { names } from './names.ts'

/** @throws TroupeError `Invalid` outside a process. */
export function ownProcess(what: string): LocalProcess {
  const participant = currentParticipant()
  if (participant instanceof LocalProcess) return participant
  throw invalid(`only a process can ${what} another; use processes.exited() from functions and programs`)
}

/** Returns a pid at once; looks a name up in the kernel. */
export async function find(to: string): Promise<Pid> {
  if (isPid(to)) return to
  const pid = await names.lookup(to)
  if (pid === undefined) throw notFound(`no process has the name "${to}"`, { name: to })
  return pid
}

/** Like `find`, after the kernel has allowed `by` to perform `action` on it. */
export async function findFor(by: Participant, action: string, to: string): Promise<Pid> {
  const pid = await find(to)
  await currentRuntime().permissions.ask(by, action, pid)
  return pid
}

/** Ends a process at once, after the messages that were sent to it earlier. */
export async function terminate(to: string): Promise<void> {
  const runtime = currentRuntime()
  const by = currentParticipant().pid
  const pid = await find(to)
  await runtime.router.outbound.posted(pid)
  await runtime.kernel.request('terminate', { pid }, by)
}
