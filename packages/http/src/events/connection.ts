/** The process that speaks for one stream of events. It lives in the server's thread, and is what the other processes see of it. */
import { startTimer, stopTimer, type Timer } from '@troupe/core'
import { currentRuntime, self } from '@troupe/process'
import { Counterpart, findCounterpart } from '../connections/handler-link.ts'
import { whileOpen } from '../connections/open-connections.ts'
import { eventText } from './event.ts'
import { type EventsRequest, openings } from './request.ts'
import type { EventStream } from './event-stream.ts'

/** The program of such a process. */
export async function connection(ticket: string): Promise<void> {
  const opening = openings.take(ticket)
  const partner = await opening.found(findCounterpart())
  const stream = partner && (await opening.line)
  if (partner === undefined || stream === undefined) return
  await whileOpen(async () => {
    await converse(opening.asked, stream, new Counterpart(partner))
    // The kernel asks the process to stop once this one has ended, by another way than that of its messages.
    await currentRuntime().post.arrival(partner)
  })
}

/** Settles when the stream has ended and the process knows. @throws what ended it from this side. */
async function converse({ opened, route }: EventsRequest, stream: EventStream, counterpart: Counterpart): Promise<void> {
  const { retry, closeTimeout } = route.fields
  let patience: Timer | undefined
  void counterpart.watch(() => {
    // What it said last is written, unless the client does not take it.
    patience = startTimer(() => {
      stream.fail(new Error('the client takes nothing'))
    }, closeTimeout)
  })
  counterpart.onKilled(() => {
    stream.fail(new Error('the connection was ended'))
  })
  void stream.closed.then(() => {
    counterpart.dismissMe('its client has gone')
  })
  await counterpart.tell('sse.open', opened)
  try {
    if (retry !== undefined) await stream.write(eventText({ retry }))
    for await (const message of self.inbox) {
      if (message.topic === 'sse.send') await stream.write(eventText(message.payload))
      else if (message.topic === 'sse.close') stream.close()
      message.reply()
    }
  } finally {
    stopTimer(patience)
    stream.close()
    await counterpart.tell('sse.close', {})
  }
}
