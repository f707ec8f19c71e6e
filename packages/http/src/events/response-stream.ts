/** Streams of server-sent events that handlers write. */
import { parseDuration } from '@troupe/core'
import type { ServerEvent } from './event.ts'
import { EventStream, eventsResponse } from './event-stream.ts'

/** Options of a response that streams events. */
export interface EventsOptions {
  /** Time between two comments that keep the connection alive: milliseconds, or a duration; 0 for none. @default 15s */
  readonly keepAlive?: number | string
}

/** The context that a source of events receives. */
export interface EventsContext {
  /** The id of the last event that a reconnecting client has seen. */
  readonly lastEventId: string | undefined
  /** Aborts when the client has disconnected. */
  readonly signal: AbortSignal
}

/**
 * Returns a response of server-sent events (HTML, 9.2), for handlers of `http.endpoint`. The next event is requested
 * when the client has read those before, and the source ends when the client disconnects.
 *
 * @example
 * ```ts
 * import { setTimeout } from 'node:timers/promises'
 *
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
  void pump(
    stream,
    source({ lastEventId: request.headers.get('last-event-id') ?? undefined, signal: controller.signal }),
  )
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
    // Threads that stream nothing do not load the code that checks events.
    const { eventText } = await import('./event.ts')
    for (;;) {
      const asked = iterator.next()
      // After the client has disconnected, the result is not used.
      asked.catch(() => undefined)
      const next = await Promise.race([asked, gone])
      if (next === undefined || next.done === true) break
      await stream.write(eventText(next.value))
    }
    stream.close()
  } catch (error) {
    // An error makes the client reconnect; a normal end would look complete.
    stream.fail(error)
  } finally {
    await end(iterator)
  }
}

/** Ends the source. Its result is not used. */
async function end(iterator: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.()
  } catch {
    // The stream has ended in either case.
  }
}
