/** The transport of a channel to another thread. */
import type { Transferable } from 'node:worker_threads'

/** A port to another thread, or its substitute in an operating-system process. */
export interface PeerPort {
  postMessage(message: object, transfer?: readonly Transferable[]): void
  on(event: 'message' | 'messageerror', listener: (message: unknown) => void): unknown
  on(event: 'close', listener: () => void): unknown
  unref(): void
  close(): void
  /** How much the other end has read, where the port itself knows. */
  readonly credit?: PeerCredit
}

/** The sender's view of how much the other end has read (`shared-memory/credit.ts`). */
export interface PeerCredit {
  /** Takes credit for a message, and for the units that it takes in addition; false when there is too little. */
  take(extra?: number): boolean
  /** After `take` returned false: settles when more was read. */
  more(): Promise<void>
  /** The other end has ended: waiting code continues. */
  close(): void
  /** After `take` returned false: blocks for at most that many milliseconds; returns false when nothing was read. */
  wait(ms: number): boolean
}
