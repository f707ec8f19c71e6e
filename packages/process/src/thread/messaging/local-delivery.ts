/** Delivers messages between processes of one thread: they go into the receiver's mailbox without a channel. */
import type { Envelope } from '../../mailbox/message.ts'
import type { Packed } from '../../mailbox/payload.ts'
import type { LocalProcess } from '../process/local-process.ts'
import type { PendingSend } from '../process/pending-sends.ts'
import type { Participant } from '../participant.ts'
import type { Outgoing } from './outgoing-message.ts'
import { missing } from './send-errors.ts'

const delivered = Promise.resolve()

export function deliver(
  by: Participant,
  receiver: LocalProcess,
  message: Outgoing,
  packed: Packed,
  call: number,
  held: PendingSend | undefined,
  onFull: (receiver: LocalProcess) => void,
): Promise<void> {
  const { to, topic } = message
  const envelope = localEnvelope(by, message, packed, call)
  if (receiver.mailbox.hasRoom(topic)) {
    receiver.mailbox.put(envelope)
    return delivered
  }
  onFull(receiver)
  const waiting = held ?? { to, topic, withdrawn: false }
  // An existing hold on the message already does this.
  if (held === undefined) by.note(waiting)
  return new Promise((resolve, reject) => {
    receiver.mailbox.putWhenRoom(envelope, waiting, (accepted) => {
      const error = accepted ? undefined : missing(to)
      if (held === undefined) by.release(waiting, error)
      if (error === undefined) resolve()
      else reject(error)
    })
  })
}

export function localEnvelope(by: Participant, { topic, frame }: Outgoing, { payload }: Packed, call: number): Envelope {
  return { topic, from: by.pid, payload, frame, call, receiveWindow: undefined, sequence: 0 }
}
