/** The transport of a channel to another thread. */
import type { Transferable } from 'node:worker_threads'

/** A port to another thread, or its substitute in an operating-system process. */
export interface PeerPort {
  postMessage(message: object, transfer?: readonly Transferable[]): void
  on(event: 'message' | 'messageerror', listener: (message: unknown) => void): unknown
  on(event: 'close', listener: () => void): unknown
  unref(): void
  close(): void
}
