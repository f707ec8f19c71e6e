/** Messages to a name whose process ends before it has accepted them. */
import { type Pid, TroupeError } from '@troupe/core'
import type { Participant } from './participant.ts'

/**
 * Sends to the process that has a name. Sends once more, if that process ended without having accepted the message and
 * another process has the name by then. It never sends again after a process that may have accepted it: a message is
 * delivered at most once.
 *
 * @param find - Looks up the process with the name.
 */
export async function sendToSuccessor(
  by: Participant,
  find: () => Promise<Pid>,
  dispatch: (to: Pid) => Promise<void>,
): Promise<void> {
  const to = await find()
  try {
    await dispatch(to)
  } catch (error) {
    // The remaining messages of a sender that has ended were reported as dead letters.
    if (by.ended || !isUntaken(error, to)) throw error
    const successor = await find()
    if (successor === to) throw error
    await dispatch(successor)
  }
}

/** Whether a process ended or never existed, and certainly did not accept a message. */
function isUntaken(error: unknown, pid: Pid): boolean {
  if (!(error instanceof TroupeError) || error.kind !== 'NotFound') return false
  return error.details['pid'] === pid && error.details['mayHaveArrived'] !== true
}
