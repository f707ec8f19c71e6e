/** Messages to a name whose process ends before it has accepted them. */
import { type Pid, TroupeError } from '@troupe/core'
import type { Participant } from './participant.ts'

/**
 * Sends to the process that has a name; once more, if that ended without having accepted the message and another one has the name by then. One that
 * may have accepted it is the last: a message is delivered at most once.
 *
 * @param find - Asks who has the name.
 */
export async function sendToSuccessor(by: Participant, find: () => Promise<Pid>, dispatch: (to: Pid) => Promise<void>): Promise<void> {
  const to = await find()
  try {
    await dispatch(to)
  } catch (error) {
    // What is left of who has ended was told as a dead letter.
    if (by.ended || !isUntaken(error, to)) throw error
    const successor = await find()
    if (successor === to) throw error
    await dispatch(successor)
  }
}

/** Whether a process ended, or never was, and certainly did not accept a message. */
function isUntaken(error: unknown, pid: Pid): boolean {
  if (!(error instanceof TroupeError) || error.kind !== 'NotFound') return false
  return error.details['pid'] === pid && error.details['mayHaveArrived'] !== true
}
