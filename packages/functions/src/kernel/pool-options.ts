/** The options of a pool, and its status. */
import type { EntryId, OverlayChoice } from '@troupe/core'
import type { Kernel, Program } from '@troupe/process/kernel'
import type { PoolSettings } from '../kinds.ts'

export interface PoolOptions {
  readonly kernel: Kernel
  readonly entry: EntryId
  readonly program: Program
  /** The overlay that the entry is pinned to. */
  readonly pin: OverlayChoice
  readonly settings: PoolSettings
  /** Milliseconds that a cancelled call has to return before its thread is ended. */
  readonly grace: number
}

/** The current status of a pool. */
export interface PoolStatus {
  readonly entry: EntryId
  readonly threads: number
  /** Number of networks that its threads are in. */
  readonly networks: number
  /** Calls that have a thread, or for which one starts. */
  readonly running: number
  /** Calls that wait for a thread. */
  readonly waiting: number
}
