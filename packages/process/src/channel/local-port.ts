/** The wire between the kernel and a thread: a port, or a queue for the thread that the kernel itself lives in. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import type { Transferable } from 'node:worker_threads'
import { afterTurn, turnSlice, yieldDue } from '@troupe/core'
import { Deque } from '../mailbox/deque.ts'

/** Messages that are delivered between two looks at the clock. */
const messagesPerLook = 32

/** One end of a wire, as far as a `MessagePort` and a {@link LocalPort} are alike. */
export interface KernelPort<In> {
  postMessage(message: object, transfer?: readonly Transferable[]): void
  on(event: 'message', listener: (message: In) => void): unknown
  on(event: 'close', listener: () => void): unknown
  once(event: 'close', listener: () => void): unknown
  ref(): void
  unref(): void
  close(): void
}

/** Posts what its sender does not touch any more. Within one thread it need not be copied. */
export function hand<In>(port: KernelPort<In>, message: object): void {
  if (port instanceof LocalPort) port.hand(message)
  else port.postMessage(message)
}

/**
 * One end of a wire within a thread. Messages arrive like those of a port: in order, later than they were posted, and in the async context in
 * which the wire was made, whoever posted them. They arrive within the turn of the event loop, unless that has lasted long: a program that asks
 * in a loop must not keep timers and sockets waiting.
 */
export class LocalPort extends EventEmitter {
  readonly #outside = AsyncLocalStorage.snapshot()
  readonly #arrived = new Deque<object>()
  #other: LocalPort | undefined
  #closed = false
  #due = false

  /** The two ends of a new wire. */
  static pair(): [LocalPort, LocalPort] {
    const near = new LocalPort()
    const far = new LocalPort()
    near.#other = far
    far.#other = near
    return [near, far]
  }

  postMessage(message: object, transfer: readonly Transferable[] = []): void {
    this.hand(structuredClone(message, { transfer: [...transfer] }))
  }

  hand(message: object): void {
    const other = this.#other
    if (other !== undefined) other.#receive(message)
  }

  /** Closes both ends; what was posted before still arrives. */
  close(): void {
    const other = this.#other
    this.#end()
    if (other !== undefined) other.#end()
  }

  /** It keeps nothing alive. */
  ref(): void {}

  unref(): void {}

  #receive(message: object): void {
    if (this.#closed) return
    this.#arrived.push(message)
    this.#schedule()
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#other = undefined
    this.#schedule()
  }

  #schedule(): void {
    if (this.#due) return
    this.#due = true
    if (yieldDue()) afterTurn(this.#outside, this.#deliver)
    else process.nextTick(this.#outside, this.#deliver)
  }

  readonly #deliver = (): void => {
    const end = performance.now() + turnSlice
    try {
      // What is posted meanwhile waits for the next turn.
      for (let left = this.#arrived.size; left > 0; left -= 1) {
        const message = this.#arrived.shift()
        if (message !== undefined) this.emit('message', message)
        // By a clock of its own: where others use the turn up, its messages must still progress.
        if (left % messagesPerLook === 0 && performance.now() > end) return
      }
    } finally {
      this.#due = false
      if (this.#arrived.size > 0) this.#schedule()
      else if (this.#closed) this.#tellClosed()
    }
  }

  #tellClosed(): void {
    this.emit('close')
    this.removeAllListeners()
  }
}
