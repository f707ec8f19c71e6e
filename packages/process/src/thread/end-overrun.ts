/** Ends what sends without waiting. */
import { errorToWire, type Pid, type TroupeError } from '@troupe/core'
import type { LocalProcesses } from './process/local-processes.ts'
import type { RunningTasks } from './local-task.ts'

/** Called when a process or a task sends more than is read, and does not wait. */
export type OnOverrun = (by: Pid, error: TroupeError) => void

/** Ends that process or task. */
export function endOverrun(
  processes: Pick<LocalProcesses, 'get' | 'finish'>,
  tasks: Pick<RunningTasks, 'get'>,
  by: Pid,
  error: TroupeError,
): void {
  const process = processes.get(by)
  if (process === undefined) tasks.get(by)?.fail(error)
  else processes.finish(process, { error: errorToWire(error) })
}
