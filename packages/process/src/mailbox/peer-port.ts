/** What a channel to another thread is made of. */
import type { Transferable } from 'node:worker_threads'

/** A port to another thread, or what stands for one in a process of its own. */
export interface PeerPort {
  postMessage(message: object, transfer?: readonly Transferable[]): void
  on(event: 'message' | 'messageerror', listener: (message: unknown) => void): unknown
  on(event: 'close', listener: () => void): unknown
  unref(): void
  close(): void
}
