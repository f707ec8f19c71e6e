/** Puts a message that the kernel sends into the mailbox of its receiver, and reports what became of it. */
import type { Pid } from '@troupe/core'
import type { Envelope } from '../../mailbox/message.ts'
import type { DeliveryOutcome, KernelDelivery } from '../../protocol/kernel-thread.ts'
import type { LocalProcess } from '../process/local-process.ts'

export function deliverFromKernel(
  { to, from, topic, payload, frame, network: { overlay, isOwn } }: KernelDelivery,
  process: (pid: Pid) => LocalProcess | undefined,
  report: (outcome: DeliveryOutcome) => void,
): void {
  const receiver = process(to)
  if (receiver === undefined) {
    report('gone')
    return
  }
  const { accepts, mailbox } = receiver
  if (!isOwn && overlay !== null && accepts !== 'any' && !accepts.includes(overlay)) {
    report('refused')
    return
  }
  const onHandled = () => {
    report('handled')
  }
  const envelope: Envelope = { topic, from, payload, call: 0, frame, receiveWindow: undefined, sequence: 0, onHandled }
  if (mailbox.hasRoom(topic)) {
    mailbox.put(envelope)
    report('accepted')
  } else {
    mailbox.putWhenRoom(envelope, { withdrawn: false }, (accepted) => {
      report(accepted ? 'accepted' : 'gone')
    })
  }
}
