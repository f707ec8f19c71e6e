/** Delivers messages between processes of one thread: they go into the receiver's mailbox without a channel. */
import type { Letter } from '../mailbox/letter.ts'
import type { Packed } from '../mailbox/payload.ts'
import type { LocalProcess } from './local-process.ts'
import type { Held } from './outbox.ts'
import type { Participant } from './participant.ts'
import type { Outgoing } from './outgoing.ts'
import { missing } from './refusals.ts'

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
