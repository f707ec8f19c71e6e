/** What a kernel is created from. */
import type { EntryId, Log } from '@troupe/core'
import type { OverlayTable } from '@troupe/network/kernel'
import type { Security } from '@troupe/policy/kernel'
import type { Registry } from '@troupe/registry'
import type { Print } from '../worker-threads/standard-streams.ts'

/** Options of a `Kernel`. */
export interface KernelOptions {
  readonly registry: Registry
  readonly overlays: OverlayTable
  /** The security policies. @default everything is allowed */
  readonly security?: Security
  /** Modules that threads import before there is work for them. */
  readonly preload: readonly string[]
  /** The overlay of everything that chooses none. */
  readonly defaultOverlay?: EntryId | undefined
  /** The overlay of the program around the application; `null` is the clear network. @default `defaultOverlay` */
  readonly programOverlay?: EntryId | null | undefined
  /**
   * Milliseconds for which a thread that is replaced for another network may continue the work that it has begun.
   * @default 30 s
   */
  readonly drainTimeout?: number
  /** Maximum number of bytes of a message that is kept when no process takes it. @default 0: nothing is kept */
  readonly keptBytes?: number
  readonly log: Log
  /** Receives the output of threads. @default the program's standard streams */
  readonly print?: Print
}
