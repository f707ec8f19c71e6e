/** A process's events: EXIT, LINK_DOWN, CANCEL and OUTDATED, separate from its messages. */
import { Deque, type Pid, type TroupeError, yielding } from '@troupe/core'

/** How a process ended. */
export type Exit = { readonly value: unknown } | { readonly error: TroupeError }

/** Events from the runtime to a process. */
export type ProcessEvent =
  /** A monitored process ended. */
  | { readonly type: 'EXIT'; readonly from: Pid; readonly result: Exit }
  /** A linked process ended, and this one traps links. */
  | { readonly type: 'LINK_DOWN'; readonly from: Pid; readonly error: TroupeError | undefined }
  /** The process was asked to stop. */
  | { readonly type: 'CANCEL'; readonly reason: string }
  /** Its code has changed, and it is upgradable. */
  | { readonly type: 'OUTDATED'; readonly sources: readonly string[] }

export class EventQueue implements AsyncIterable<ProcessEvent, undefined> {
  readonly #queue = new Deque<ProcessEvent>()
  readonly #waiting: ((result: IteratorResult<ProcessEvent, undefined>) => void)[] = []
  #closed = false

  push(event: ProcessEvent): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#queue.push(event)
    else waiting({ done: false, value: event })
  }

  /** The waiting code no longer exists; later events are kept for the next reader. */
  abandon(): void {
    this.#waiting.length = 0
  }

  close(): void {
    this.#closed = true
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): AsyncIterator<ProcessEvent, undefined> {
    return {
      next: () => yielding(this.#next()),
      return: () => Promise.resolve({ done: true, value: undefined }),
    }
  }

  #next(): Promise<IteratorResult<ProcessEvent, undefined>> {
    const event = this.#queue.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#closed) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }
}
