/** Letters that nobody took: gathered per turn in a thread, told to the kernel, which counts, publishes and keeps the last of them. */
import { channel } from 'node:diagnostics_channel'
import type { DeadLetter } from '../protocol.ts'

/** Published for each dead letter: a {@link DeadLetter}. */
export const deadLetterChannel = channel('troupe:dead-letter')

/** Letters that the kernel keeps for inspection. */
const ringSize = 1000
/** Log lines in a second; beyond, one line says how many were not shown. */
const linesPerSecond = 10

export interface DeadLetterOptions {
  readonly log: (line: string) => void
  readonly now?: () => number
}

/** The kernel's ring. */
export class DeadLetters {
  readonly #options: DeadLetterOptions
  readonly #now: () => number
  readonly #ring: DeadLetter[] = []
  #next = 0
  #count = 0
  #second = 0
  #shown = 0
  #hidden = 0

  constructor(options: DeadLetterOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** All dead letters since the start. */
  get count(): number {
    return this.#count
  }

  /** The last ones, oldest first. */
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
    this.#tell(letter)
  }

  /** Counts letters of which a thread kept no more than their number. */
  addUncounted(count: number): void {
    this.#count += count
    this.#hidden += count
  }

  #tell(letter: DeadLetter): void {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) {
      if (this.#hidden > 0) this.#options.log(`${this.#hidden} more dead letters were not shown`)
      this.#second = second
      this.#shown = 0
      this.#hidden = 0
    }
    if (this.#shown >= linesPerSecond) {
      this.#hidden += 1
      return
    }
    this.#shown += 1
    this.#options.log(`dead letter from ${letter.from} to ${letter.to}, topic "${letter.topic}": ${letter.reason}`)
  }
}
