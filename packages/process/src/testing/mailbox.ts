/** A mailbox for tests, and messages for it. */
import { emptyFrame, pid } from '@troupe/core'
import type { ReceiveWindow } from '../mailbox/reservations.ts'
import type { Envelope } from '../mailbox/message.ts'
import { Mailbox } from '../mailbox/mailbox.ts'

const from = pid(1, 1)

export function envelope(topic: string, payload: unknown, receiveWindow?: ReceiveWindow): Envelope {
  return { topic, from, payload, frame: emptyFrame, call: 0, receiveWindow, sequence: receiveWindow?.arrive() ?? 0 }
}

export function mailbox(capacity = 4) {
  const overflown: Envelope[] = []
  const reported: ReceiveWindow[] = []
  const box = new Mailbox(capacity, {
    onOverflow: (envelope) => overflown.push(envelope),
    onFlow: (receiveWindow) => reported.push(receiveWindow),
  })
  return { box, overflown, reported }
}

/** Waits for a message; returns how to give up. */
export function wait(
  box: Mailbox,
  topic: string | undefined,
  take: (envelope: Envelope) => void,
  end: () => void,
): () => void {
  const waiter = { topic, take, end }
  box.wait(waiter)
  return () => {
    box.giveUp(waiter)
  }
}

export function payloads(box: Mailbox, topic?: string): unknown[] {
  const all: unknown[] = []
  for (let next = box.take(topic); next !== undefined; next = box.take(topic)) all.push(next.payload)
  return all
}

/** A message that waits for room; what became of it is pushed to `log`. */
export function waiting(box: Mailbox, topic: string, payload: unknown, log: unknown[] = []): Promise<unknown> {
  return new Promise<boolean>((resolve) => {
    box.putWhenRoom(envelope(topic, payload), { withdrawn: false }, resolve)
  }).then((accepted) => log.push([payload, accepted]))
}
