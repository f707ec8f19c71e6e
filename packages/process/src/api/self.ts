/** What a process can do with itself: its mailbox, its events, its options. */
import { entryId, invalid, type Pid } from '@troupe/core'
import type { Message } from '../mailbox/message.ts'
import { snapshotArguments } from '../mailbox/payload.ts'
import { currentRuntime } from '../thread/current.ts'
import type { EventQueue } from '../thread/process/event-queue.ts'
import { LocalProcess } from '../thread/process/local-process.ts'
import { currentParticipant } from '../thread/participant.ts'
import { checkTopic } from '../thread/messaging/send-errors.ts'
import { milliseconds } from '../thread/timeout.ts'

/** Options of `self.receive`. */
export interface ReceiveOptions {
  /** Only messages of this topic; others stay in the mailbox. */
  readonly topic?: string
  /** Milliseconds, or a duration such as `5s`. @default none */
  readonly timeout?: number | string
}

/** Options of `self.setOptions`. */
export interface ProcessOptions {
  /** The end of a linked process arrives as a LINK_DOWN event instead of ending this one. @default false */
  readonly trapLinks?: boolean
  /** Whether it gets an OUTDATED event when its code changes. @default false */
  readonly upgradable?: boolean
}

/** A separate mailbox for one topic. */
export interface Subscription extends AsyncIterable<Message, undefined> {
  /**
   * Delivers the topic's messages to the inbox again.
   *
   * @example
   * ```ts
   * const news = self.listen('news')
   * const timer = setTimeout(() => news.close(), 60_000)
   * ```
   */
  close(): void
}

function own(): LocalProcess {
  const participant = currentParticipant()
  if (participant instanceof LocalProcess) return participant
  throw invalid('only a process has a mailbox: this code runs in a function, or in the program around an application')
}

/** The current process. */
export const self = {
  /**
   * The id of the current process. In a function, the id of its call.
   *
   * @example
   * ```ts
   * await processes.send('app:registrar', 'hello', { from: self.pid })
   * ```
   */
  get pid(): Pid {
    return currentParticipant().pid
  },

  /**
   * The messages of this process, one by one, in the order in which they arrived. Ends when the process is cancelled
   * and no messages are left. After a `break` the other messages stay, for the next loop.
   *
   * @example
   * ```ts
   * for await (const message of self.inbox) message.reply(`got ${message.topic}`)
   * ```
   *
   * @throws TroupeError `Invalid` outside a process.
   */
  get inbox(): AsyncIterableIterator<Message, undefined> {
    const process = own()
    return process.iterate(process.mailbox)
  },

  /**
   * EXIT, LINK_DOWN, CANCEL and OUTDATED events.
   *
   * @example
   * ```ts
   * for await (const event of self.events) if (event.type === 'CANCEL') log.info(event.reason)
   * ```
   *
   * @throws TroupeError `Invalid` outside a process.
   */
  get events(): EventQueue {
    return own().events
  },

  /**
   * Aborts when the process, or other code that acts here, is cancelled; its reason is the error.
   *
   * @example
   * ```ts
   * const response = await fetch('https://example.org/', { signal: self.signal })
   * ```
   *
   * @throws TroupeError `Invalid` in the program around an application.
   */
  get signal(): AbortSignal {
    const { signal } = currentParticipant()
    if (signal !== undefined) return signal
    throw invalid('only a process or a function has a signal: this code runs in the program around an application')
  },

  /**
   * Takes the next message, or the next of a topic.
   *
   * @example
   * ```ts
   * const { payload } = await self.receive({ topic: 'mail', timeout: '5s' })
   * ```
   *
   * @throws TroupeError `Timeout` when no message came in time; `Canceled` when the process was cancelled; `Invalid`
   * outside a process.
   */
  receive(options: ReceiveOptions = {}): Promise<Message> {
    const process = own()
    const timeout = options.timeout === undefined ? undefined : milliseconds(options.timeout)
    return process.receive(process.mailbox, options.topic, timeout)
  },

  /**
   * Opens a separate mailbox for a topic, with the capacity of the process's own.
   *
   * @example
   * ```ts
   * const news = self.listen('news')
   * for await (const { payload } of news) {
   *   log.info({ payload })
   *   news.close()
   * }
   * ```
   *
   * @throws TroupeError `Invalid` for a reserved topic, or outside a process.
   */
  listen(topic: string): Subscription {
    checkTopic(topic)
    const process = own()
    const mailbox = process.mailbox.open(topic)
    return {
      [Symbol.asyncIterator]: () => process.iterate(mailbox),
      close: () => {
        process.mailbox.shut(topic)
      },
    }
  },

  /**
   * Replaces the program of this process: pid, mailbox, links and monitors stay, and `state` becomes the arguments of
   * the new program. The calling program does not continue; end it with `return self.upgrade(…)`.
   *
   * @example
   * ```ts
   * export async function main(visits = 0): Promise<void> {
   *   for await (const message of self.inbox) {
   *     if (message.topic === 'upgrade') return self.upgrade(null, visits)
   *     message.reply(++visits)
   *   }
   * }
   * ```
   *
   * @param id The entry to run; `null` for the current entry, with its newest code.
   * @throws TroupeError `NotFound` for an unknown entry, module or method; `Invalid` for state that cannot be cloned;
   * `PermissionDenied` for an entry that it may not spawn. After an error the process continues as before.
   */
  async upgrade(id: string | null, ...state: unknown[]): Promise<never> {
    const process = own()
    const entry = id === null ? process.program.entry : entryId(id)
    return currentRuntime().upgrade(process, entry, snapshotArguments(state))
  },

  /**
   * Changes options of this process. Absent options keep their values.
   *
   * @example
   * ```ts
   * self.setOptions({ trapLinks: true })
   * ```
   *
   * @throws TroupeError `Invalid` outside a process.
   */
  setOptions(options: ProcessOptions): void {
    const process = own()
    if (options.trapLinks !== undefined) process.trapLinks = options.trapLinks
    if (options.upgradable !== undefined && options.upgradable !== process.upgradable) {
      process.upgradable = options.upgradable
      currentRuntime().kernel.notify({ type: 'upgradable', pid: process.pid, on: options.upgradable })
    }
  },
}
