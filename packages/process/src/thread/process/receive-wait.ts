/** A process that waits for a message. */
import { afterTurn, type Pid, startDeadline, stopTimer, type Timer, TroupeError, yieldDue } from '@troupe/core'
import type { Envelope, Message } from '../../mailbox/message.ts'
import type { Mailbox, Waiter } from '../../mailbox/mailbox.ts'

/** The handlers of the outcome of a wait. */
export interface WaitOutcome {
  /** A message arrived. */
  take(envelope: Envelope, wait: ReceiveWait): void
  /** No message arrives: the time has passed, the process stops, or the mailbox was shut. */
  end(error: TroupeError, wait: ReceiveWait): void
}

export class ReceiveWait implements Waiter {
  /** Only messages of this topic. */
  readonly topic: string | undefined
  readonly #pid: Pid
  readonly #mailbox: Mailbox
  readonly #outcome: WaitOutcome
  readonly #timer: Timer | undefined

  /** @param timeout Milliseconds; `undefined` waits forever. */
  constructor(
    pid: Pid,
    mailbox: Mailbox,
    topic: string | undefined,
    timeout: number | undefined,
    outcome: WaitOutcome,
  ) {
    this.topic = topic
    this.#pid = pid
    this.#mailbox = mailbox
    this.#outcome = outcome
    mailbox.wait(this)
    if (timeout === undefined) return
    this.#timer = startDeadline(() => {
      const what = topic === undefined ? 'no message' : `no message of topic "${topic}"`
      this.stop(new TroupeError('Timeout', `${what} arrived at ${pid} within ${timeout} ms`))
    }, timeout)
  }

  take(envelope: Envelope): void {
    stopTimer(this.#timer)
    this.#outcome.take(envelope, this)
  }

  /** The mailbox was shut. */
  end(): void {
    this.stop(new TroupeError('Canceled', `process ${this.#pid} no longer listens for these messages`))
  }

  stop(error: TroupeError): void {
    this.#mailbox.giveUp(this)
    stopTimer(this.#timer)
    this.#outcome.end(error, this)
  }

  /** The waiting code no longer exists, so nothing is notified. */
  abandon(): void {
    this.#mailbox.giveUp(this)
    stopTimer(this.#timer)
  }
}

/**
 * Resolves at once, or after a turn of the event loop where one is due: a busy conversation must not starve timers and
 * sockets.
 */
export function resolveInTurn<T>(resolve: (value: T) => void, value: T): void {
  if (yieldDue()) afterTurn(resolve, value)
  else resolve(value)
}

/** The error of a wait that ends because the process stops. */
export function canceled(reason: string): TroupeError {
  return new TroupeError('Canceled', reason)
}

/** The end of an iteration over messages. */
export const finished: IteratorResult<Message, undefined> = { done: true, value: undefined }

export function asResult(value: Message): IteratorResult<Message, undefined> {
  return { done: false, value }
}
