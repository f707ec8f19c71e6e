/** A process that waits for a message. */
import { type Pid, TroupeError } from '@troupe/core'
import type { Letter } from '../mailbox/letter.ts'
import type { Mailbox, Waiter } from '../mailbox/mailbox.ts'

export interface WaitOptions {
  readonly pid: Pid
  /** Only messages of this topic. */
  readonly topic: string | undefined
  /** Milliseconds; none waits for ever. */
  readonly timeout: number | undefined
  readonly take: (letter: Letter) => void
  /** Nothing comes: the time is over, the process stops, or the mailbox was shut. */
  readonly end: (error: TroupeError) => void
  /** Called once, whichever way it ended. */
  readonly onOver: (wait: Wait) => void
}

export class Wait implements Waiter {
  readonly topic: string | undefined
  readonly #options: WaitOptions
  #mailbox: Mailbox | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: WaitOptions) {
    this.topic = options.topic
    this.#options = options
  }

  begin(mailbox: Mailbox): void {
    const { pid, topic, timeout } = this.#options
    this.#mailbox = mailbox
    mailbox.wait(this)
    if (timeout === undefined) return
    this.#timer = setTimeout(() => {
      const what = topic === undefined ? 'no message' : `no message of topic "${topic}"`
      this.stop(new TroupeError('Timeout', `${what} came to ${pid} in ${timeout} ms`))
    }, timeout)
  }

  take(letter: Letter): void {
    this.#over()
    this.#options.take(letter)
  }

  /** The mailbox was shut. */
  end(): void {
    this.stop(new TroupeError('Canceled', `process ${this.#options.pid} no longer listens for these messages`))
  }

  stop(error: TroupeError): void {
    this.#mailbox?.giveUp(this)
    this.#over()
    this.#options.end(error)
  }

  #over(): void {
    clearTimeout(this.#timer)
    this.#options.onOver(this)
  }
}
