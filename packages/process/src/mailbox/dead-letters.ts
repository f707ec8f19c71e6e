/**
 * Messages that no process took. A thread collects them per turn and reports them to the kernel. The kernel counts and
 * publishes them, and keeps the last ones.
 */
import { type Log, startTimer, stopTimer, type Timer } from '@troupe/core'
import { type Channel, channel } from 'node:diagnostics_channel'
import type { DeadLetter } from '../protocol/kernel-thread.ts'

/** Published for each dead letter: a {@link DeadLetter}. */
export const deadLetterChannel: Channel<object, DeadLetter> = channel('troupe:dead-letter')

/** Messages that the kernel keeps for inspection. */
const ringSize = 1000
/** Maximum number of log lines per second; beyond it, one line reports how many were not shown. */
const linesPerSecond = 10

export interface DeadLetterOptions {
  readonly log: Log
}

/** The kernel's ring of the last dead letters. */
export class DeadLetters implements Disposable {
  readonly #log: Log
  readonly #ring: DeadLetter[] = []
  #next = 0
  #count = 0
  #shown = 0
  #hidden = 0
  /** Runs while lines were logged in this second. */
  #second: Timer | undefined

  constructor(options: DeadLetterOptions) {
    this.#log = options.log
  }

  /** Number of dead letters since the start. */
  get count(): number {
    return this.#count
  }

  /** The last dead letters, oldest first. */
  get recent(): readonly DeadLetter[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
  }

  add(letter: DeadLetter): void {
    this.#count += 1
    if (this.#ring.length < ringSize) this.#ring.push(letter)
    else {
      this.#ring[this.#next] = letter
      this.#next = (this.#next + 1) % ringSize
    }
    if (deadLetterChannel.hasSubscribers) deadLetterChannel.publish(letter)
    this.#show(letter)
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
    this.#log(`dead letter from ${letter.from} to ${letter.to}, topic "${letter.topic}": ${letter.reason}`, { level: 'warn' })
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
