/** Streams of server-sent events that handlers write. */
import { parseDuration } from '@troupe/core'
import type { ServerEvent } from './event.ts'
import { EventStream, eventsResponse } from './event-stream.ts'

export interface EventsOptions {
  /** How often a comment keeps the connection alive: milliseconds, or a duration; 0 for never. @default 15s */
  readonly keepAlive?: number | string
}

/** What a source of events is told. */
export interface EventsContext {
  /** What a client that connects anew has seen last. */
  readonly lastEventId: string | undefined
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
}

/**
 * A response of server-sent events (HTML, 9.2), for handlers of `http.endpoint`: the next event is asked for when the client has taken those
 * before, and the source ends when the client goes.
 *
 * @example
 * ```ts
 * export function clock(request: Request): Response {
 *   return http.events(request, async function* ({ lastEventId, signal }) {
 *     for (let tick = Number(lastEventId ?? 0) + 1; !signal.aborted; tick += 1) {
 *       yield { id: String(tick), data: { tick } }
 *       await setTimeout(1000, undefined, { signal })
 *     }
 *   })
 * }
 * ```
 */
export function events(
  request: Request,
  source: (context: EventsContext) => AsyncIterable<ServerEvent | string>,
  { keepAlive = 15_000 }: EventsOptions = {},
): Response {
  const stream = new EventStream(typeof keepAlive === 'string' ? parseDuration(keepAlive) : keepAlive)
  const controller = new AbortController()
  void pump(stream, source({ lastEventId: request.headers.get('last-event-id') ?? undefined, signal: controller.signal }))
  void stream.closed.then(() => {
    controller.abort()
  })
  return eventsResponse(stream.body)
}

async function pump(stream: EventStream, source: AsyncIterable<ServerEvent | string>): Promise<void> {
  const gone = stream.closed.then(() => undefined)
  let iterator: AsyncIterator<ServerEvent | string> | undefined
  try {
    iterator = source[Symbol.asyncIterator]()
    // Threads that stream nothing do not pay for what checks events.
    const { eventText } = await import('./event.ts')
    for (;;) {
      const asked = iterator.next()
      // Once the client has gone nobody waits for it.
      asked.catch(() => undefined)
      const next = await Promise.race([asked, gone])
      if (next === undefined || next.done === true) break
      await stream.write(eventText(next.value))
    }
    stream.close()
  } catch (error) {
    // The client is to connect anew rather than to think that this was all.
    stream.fail(error)
  } finally {
    await end(iterator)
  }
}

/** What its end comes to, nobody waits to hear. */
async function end(iterator: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.()
  } catch {
    // The stream has ended, one way or the other.
  }
}
