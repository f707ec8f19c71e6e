/**
 * The connection between the kernel and a thread: a port, or a queue for the thread in which the kernel itself lives.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import type { Transferable } from 'node:worker_threads'
import { Deque, afterTurn, turnSlice, yieldDue } from '@troupe/core'

/** Number of messages delivered between two readings of the clock. */
const messagesPerLook = 32

/** One end of a connection: the part that a `MessagePort` and a {@link LocalPort} have in common. */
export interface KernelPort<In> {
  postMessage(message: object, transfer?: readonly Transferable[]): void
  on(event: 'message', listener: (message: In) => void): unknown
  on(event: 'close', listener: () => void): unknown
  once(event: 'close', listener: () => void): unknown
  ref(): void
  unref(): void
  close(): void
}

/** Posts an object that the sender does not use again. Within one thread it need not be copied. */
export function hand<In>(port: KernelPort<In>, message: object): void {
  if (port instanceof LocalPort) port.hand(message)
  else port.postMessage(message)
}

/**
 * One end of a connection within a thread. Messages arrive like those of a port: in order, after the call that posted
 * them, and in the async context in which the connection was made, not that of the sender. They arrive within the turn
 * of the event loop, unless that turn has lasted long: a program that sends requests in a loop must not delay timers
 * and sockets.
 */
export class LocalPort extends EventEmitter {
  readonly #outside = AsyncLocalStorage.snapshot()
  readonly #arrived = new Deque<object>()
  #other: LocalPort | undefined
  #closed = false
  #due = false

  /** Returns the two ends of a new connection. */
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

  /** A local port never keeps the event loop alive. */
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
      // Messages posted during this loop wait for the next turn.
      for (let left = this.#arrived.size; left > 0; left -= 1) {
        const message = this.#arrived.shift()
        if (message !== undefined) this.emit('message', message)
        // Uses its own clock: its messages must make progress even when others use up the turn.
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
