/** What a table of overlays is created from, and what it reports about them. */
import type { EntryId, Log } from '@troupe/core'
import type { OverlayKind } from './overlay-kind.ts'
import type { Capabilities } from './overlay.ts'

/** Options of an `OverlayTable`. */
export interface OverlayTableOptions {
  /** @default all kinds of this package */
  readonly kinds?: readonly OverlayKind[]
  /** See `Site`. @default `.troupe/net` in the working directory */
  readonly stateDir?: string
  /** @default no log */
  readonly log?: Log
  /** Called before an overlay is closed and replaced. Later dials must request its route again, and wait for it. */
  readonly onHandOver?: (id: EntryId) => void
}

/** The public description of an overlay: without its route. */
export interface OverlaySummary {
  readonly id: EntryId
  readonly kind: string
  readonly generation: number
  readonly capabilities: Capabilities
}
