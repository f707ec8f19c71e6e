/** The error for what was under way to a node of the cluster that is not reached any more. */
import { type Pid, TroupeError } from '@troupe/core'

/** The codes of such errors: the node has died or left; or the session with it was reset. */
const codes: ReadonlySet<unknown> = new Set(['nodedown', 'sessionreset'])

export function isNodeDown({ details }: TroupeError): boolean {
  return codes.has(details['code'])
}

/** The same for a message to a process there. `wasSent`: it may have arrived, so that nothing may repeat it. */
export function nodeDown({ message, details }: TroupeError, pid: Pid, wasSent: boolean): TroupeError {
  const sent = wasSent ? 'the message may have arrived' : 'the message was not sent'
  return new TroupeError('Unavailable', `process ${pid} cannot be reached: ${message}; ${sent}`, {
    retryable: !wasSent,
    details: { ...details, pid, ...(wasSent && { mayHaveArrived: true }) },
  })
}
