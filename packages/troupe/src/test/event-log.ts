/** The events of a probe: all so far, and the next of a type. */
import { startTimer, stopTimer, TroupeError } from '@troupe/core'
import type { ProcessEvent } from '@troupe/process'

export type EventOf<Type extends ProcessEvent['type']> = Extract<ProcessEvent, { readonly type: Type }>

export class EventLog {
  /** In the order of arrival. */
  readonly all: ProcessEvent[] = []
  /** Events that {@link next} has returned. */
  readonly #taken = new Set<ProcessEvent>()
  readonly #waiting = new Set<() => void>()

  add(event: ProcessEvent): void {
    this.all.push(event)
    for (const resume of this.#waiting) resume()
    this.#waiting.clear()
  }

  /**
   * Takes the next event of a type, even if it has already arrived.
   *
   * @param who - The probe's pid, for the error.
   * @throws TroupeError `Timeout`
   */
  async next<Type extends ProcessEvent['type']>(type: Type, timeout: number, who: string): Promise<EventOf<Type>> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = startTimer(() => {
      reject(
        new TroupeError(
          'Timeout',
          `no ${type} arrived at probe ${who} within ${timeout} ms; it has ${this.#summary()}`,
        ),
      )
    }, timeout)
    try {
      for (;;) {
        const found = this.all.find((event): event is EventOf<Type> => event.type === type && !this.#taken.has(event))
        if (found !== undefined) {
          this.#taken.add(found)
          return found
        }
        await Promise.race([this.#another(), late])
      }
    } finally {
      stopTimer(timer)
    }
  }

  #another(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
    })
  }

  #summary(): string {
    return this.all.length === 0 ? 'no events' : this.all.map((event) => event.type).join(', ')
  }
}
