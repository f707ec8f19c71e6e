/**
 * Messages that no process took. A thread collects them per turn and reports them to the kernel. The kernel counts and
 * publishes them, and keeps the last ones.
 */
import { type Frame, type Log, notFound, startTimer, stopTimer, type Timer } from '@troupe/core'
import { type Channel, channel } from 'node:diagnostics_channel'
import type { Network } from '../kernel/network/networks.ts'
import type { LostLetter } from '../protocol/kernel-thread.ts'

/** An event of the channel `troupe:dead-letter`, in the program's thread: no process took a message. */
export interface DeadLetter extends Omit<LostLetter, 'kept'> {
  /** Number by which an operator names it. */
  readonly id: number
  /** When the kernel learned of it, in milliseconds since 1970. */
  readonly time: number
  /** A name that the receiver has or had. */
  readonly name: string | undefined
  /** Bytes of its content, where that was kept: it can be sent once more. */
  readonly bytes: number | undefined
}

/** The content of a dead letter, and for whom it is sent once more. */
export interface KeptLetter {
  readonly content: Uint8Array
  /** The sender's frame, as the kernel knows it. */
  readonly acting: Frame
  readonly network: Network
}

/** Published for each dead letter: a {@link DeadLetter}. */
export const deadLetterChannel: Channel<object, DeadLetter> = channel('troupe:dead-letter')

/** Messages that the kernel keeps for inspection. */
const mostLetters = 1000
/** Maximum number of bytes of all contents: beyond it, those of the oldest letters are dropped. */
const mostBytes = 16 << 20
/** Maximum number of log lines per second; beyond it, one line reports how many were not shown. */
const linesPerSecond = 10

export interface DeadLetterOptions {
  readonly log: Log
  /** Maximum number of bytes of one content. @default 0 */
  readonly keptBytes?: number
}

/** The last dead letters, oldest first. */
export class DeadLetters implements Disposable {
  readonly #log: Log
  readonly #keptBytes: number
  readonly #letters = new Map<number, DeadLetter>()
  readonly #contents = new Map<number, KeptLetter>()
  /** Bytes of all contents. */
  #bytes = 0
  #last = 0
  #count = 0
  #shown = 0
  #hidden = 0
  /** Runs while lines were logged in this second. */
  #second: Timer | undefined

  constructor(options: DeadLetterOptions) {
    this.#log = options.log
    this.#keptBytes = options.keptBytes ?? 0
  }

  /** Number of dead letters since the start. */
  get count(): number {
    return this.#count
  }

  /** The last dead letters, oldest first. */
  get recent(): readonly DeadLetter[] {
    return [...this.#letters.values()]
  }

  /**
   * @param sender - For whom it may be sent once more; nothing of it is kept without.
   * @param name - Of the addressee.
   */
  add({ kept, ...lost }: LostLetter, sender?: Omit<KeptLetter, 'content'>, name?: string): void {
    this.#count += 1
    const most = this.#keptBytes
    const isKept = most > 0 && kept !== undefined && sender !== undefined && kept.length <= most
    const id = (this.#last += 1)
    const letter: DeadLetter = { id, time: Date.now(), name, ...lost, bytes: isKept ? kept.length : undefined }
    this.#letters.set(id, letter)
    // A copy: the bytes of a thread may be the part of a large buffer.
    if (isKept) this.#keep(id, { content: kept.slice(), ...sender })
    if (this.#letters.size > mostLetters) this.#drop(this.#letters.keys().next().value)
    if (deadLetterChannel.hasSubscribers) deadLetterChannel.publish(letter)
    this.#show(letter)
  }

  /** The letter with that id, and its content where it is kept. @throws TroupeError `NotFound` */
  get(id: number): { readonly letter: DeadLetter; readonly kept: KeptLetter | undefined } {
    const letter = this.#letters.get(id)
    if (letter === undefined)
      throw notFound(`there is no dead letter ${id}: the last ${mostLetters} are kept`, { letter: id })
    return { letter, kept: this.#contents.get(id) }
  }

  /** Forgets a letter. @throws TroupeError `NotFound` */
  drop(id: number): void {
    this.#drop(this.get(id).letter.id)
  }

  #keep(id: number, letter: KeptLetter): void {
    this.#contents.set(id, letter)
    this.#bytes += letter.content.length
    for (const oldest of this.#contents.keys()) {
      if (this.#bytes <= mostBytes) return
      const letterOf = this.#letters.get(oldest)
      if (letterOf !== undefined) this.#letters.set(oldest, { ...letterOf, bytes: undefined })
      this.#forget(oldest)
    }
  }

  #drop(id: number | undefined): void {
    if (id === undefined) return
    this.#letters.delete(id)
    this.#forget(id)
  }

  #forget(id: number): void {
    this.#bytes -= this.#contents.get(id)?.content.length ?? 0
    this.#contents.delete(id)
  }

  /** Counts messages of which a thread reported only the number. */
  addUncounted(count: number): void {
    if (count === 0) return
    this.#count += count
    this.#hide(count)
  }

  /** Logs how many were not shown, if any. */
  [Symbol.dispose](): void {
    stopTimer(this.#second)
    this.#endSecond()
  }

  #show(letter: DeadLetter): void {
    if (this.#shown >= linesPerSecond) {
      this.#hide(1)
      return
    }
    this.#shown += 1
    this.#beginSecond()
    this.#log(`dead letter from ${letter.from} to ${letter.to}, topic "${letter.topic}": ${letter.reason}`, {
      level: 'warn',
    })
  }

  #hide(count: number): void {
    this.#hidden += count
    this.#beginSecond()
  }

  #beginSecond(): void {
    this.#second ??= startTimer(() => {
      this.#endSecond()
    }, 1000).unref()
  }

  #endSecond(): void {
    const hidden = this.#hidden
    this.#second = undefined
    this.#shown = 0
    this.#hidden = 0
    if (hidden > 0) this.#log(`${hidden} more dead letters were not shown`, { level: 'warn' })
  }
}
