/** Delivers messages between processes of one thread: they go into the receiver's mailbox without a channel. */
import type { Letter } from '../../mailbox/message.ts'
import type { Packed } from '../../mailbox/payload.ts'
import type { LocalProcess } from '../process/local-process.ts'
import type { Held } from '../process/pending-sends.ts'
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
  held: Held | undefined,
  onFull: (receiver: LocalProcess) => void,
): Promise<void> {
  const { to, topic } = message
  const letter = localLetter(by, message, packed, call)
  if (receiver.mailbox.hasRoom(topic)) {
    receiver.mailbox.put(letter)
    return delivered
  }
  onFull(receiver)
  const waiting = held ?? { to, topic, withdrawn: false }
  // The one that notes it does so already, if there is one.
  if (held === undefined) by.note(waiting)
  return new Promise((resolve, reject) => {
    receiver.mailbox.putWhenRoom(letter, waiting, (accepted) => {
      const error = accepted ? undefined : missing(to)
      if (held === undefined) by.release(waiting, error)
      if (error === undefined) resolve()
      else reject(error)
    })
  })
}

export function localLetter(by: Participant, { topic, frame }: Outgoing, { payload }: Packed, call: number): Letter {
  return { topic, from: by.pid, payload, frame, call, flow: undefined, sequence: 0 }
}
