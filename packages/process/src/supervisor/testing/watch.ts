/** How a process ends, watched for certain: the process has learned of it before this settles. */
import { type Exit, processes } from '../../index.ts'

export async function watch(name: string): Promise<{ readonly exit: Promise<Exit> }> {
  const pid = String(await processes.names.lookup(name))
  const exit = processes.exited(pid)
  // The question goes the same way and comes after: it is answered once the watch is there.
  await processes.call(pid, 'watched')
  return { exit }
}
