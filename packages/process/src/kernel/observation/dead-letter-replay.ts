/** Sends a message that no process took once more. */
import { fork, invalid, TroupeError, withDeadline } from '@troupe/core'
import { openMessage } from '../../mailbox/kept-message.ts'
import type { KernelParts } from '../kernel-parts.ts'

/** Milliseconds that a full mailbox may take to accept it. */
const patience = 10_000

/**
 * Sends a dead letter to its addressee, or where that has ended to the process that has its name now. It is sent for
 * its sender: policies and networks decide as they did for the sender. It carries the values and the trace of its
 * frame; its deadline has passed. It is no dead letter any more once it was accepted.
 *
 * @throws TroupeError `NotFound` for an unknown letter, or when the addressee does not exist; `Invalid` where its
 *   content was not kept; `PermissionDenied`; `Timeout` when the mailbox is full: it may still accept the message.
 */
export async function replayDeadLetter(
  { deadLetters, deliveries }: Pick<KernelParts, 'deadLetters' | 'deliveries'>,
  id: number,
): Promise<void> {
  const { letter, kept } = deadLetters.get(id)
  if (kept === undefined)
    throw invalid(`the content of dead letter ${id} was not kept: set dead_letters.payload, the bytes to keep`)
  const { from, to, topic, name } = letter
  const { acting, network } = kept
  const { payload, values, trace } = openMessage(kept.content)
  const frame = fork(acting, { values, ...(trace !== undefined && { trace }) })
  const sendTo = async (receiver: string) =>
    deliveries.deliver({ from, to: receiver, topic, payload, frame, acting, network })
  await withDeadline(
    sendTo(to).catch(async (error: unknown) => {
      if (name === undefined || !(error instanceof TroupeError) || error.kind !== 'NotFound') throw error
      return sendTo(name)
    }),
    patience,
    () => new TroupeError('Timeout', `the mailbox of ${to} did not accept dead letter ${id} within ${patience} ms`),
  )
  deadLetters.drop(id)
}
