/**
 * The process that represents one stream of events. It lives in the server's thread, and other processes see only it.
 */
import { startTimer, stopTimer, type Timer } from '@troupe/core'
import { currentRuntime, self } from '@troupe/process'
import { HandlerLink, findHandler } from '../connections/handler-link.ts'
import { whileOpen } from '../connections/open-connections.ts'
import { eventText } from './event.ts'
import { type EventsRequest, pendingConnections } from './request.ts'
import type { EventStream } from './event-stream.ts'

/** The program of such a process. */
export async function connection(ticket: string): Promise<void> {
  const pending = pendingConnections.claim(ticket)
  const partner = await pending.found(findHandler())
  const stream = partner && (await pending.line)
  if (partner === undefined || stream === undefined) return
  await whileOpen(async () => {
    await converse(pending.asked, stream, new HandlerLink(partner))
    // When this process has ended, the kernel asks the other one to stop. That request can overtake its messages.
    await currentRuntime().router.outbound.arrival(partner)
  })
}

/** Settles when the stream has ended and the process was notified. @throws the error that ended it from this side */
async function converse({ opened, route }: EventsRequest, stream: EventStream, handler: HandlerLink): Promise<void> {
  const { retry, closeTimeout } = route.fields
  let patience: Timer | undefined
  void handler.watch(() => {
    // The last messages are written, unless the client does not read them.
    patience = startTimer(() => {
      stream.fail(new Error('the client does not read'))
    }, closeTimeout)
  })
  handler.onKilled(() => {
    stream.fail(new Error('the connection was ended'))
  })
  void stream.closed.then(() => {
    handler.dismissMe('its client has disconnected')
  })
  await handler.tell('sse.open', opened)
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
    await handler.tell('sse.close', {})
  }
}
