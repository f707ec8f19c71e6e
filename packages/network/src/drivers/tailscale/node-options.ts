/** The options of a tailnet node, and what it reports. */
import type { Backoff, Clock, EntryId, Log, TroupeError } from '@troupe/core'
import type { StateValueFrom } from 'xstate'
import type { Joined } from './sidecar-messages.ts'
import type { nodeMachine } from './node.machine.ts'
import type { Sidecar } from './sidecar.ts'

export interface NodeOptions {
  readonly overlay: EntryId
  readonly hostname: string
  /** Its folder, an absolute path. */
  readonly stateDir: string
  /** Used where a login is needed; without a key the operator must log the node in. */
  readonly authKey: string | undefined
  readonly controlUrl: string | undefined
  readonly ephemeral: boolean
  readonly tags: readonly string[]
  readonly exitNode: string | undefined
  readonly sidecar: Sidecar
  readonly log: Log
  /** Called each time the node joins its tailnet. */
  readonly onJoined?: (joined: Joined) => Promise<void>
  /** Called when the node has joined, has left, or waits for a login or an admission. */
  readonly onChange?: () => void
  /** @default 1 s, up to 60 s, and some jitter */
  readonly delays?: Backoff
  /** @default the system clock */
  readonly clock?: Clock
}

/** The level of lines about what an operator should see. */
export const warning = { level: 'warn' } as const

/** What the node waits for: a login in a browser, or the admission by an administrator. */
export type Wish = { readonly type: 'login'; readonly url: string } | { readonly type: 'approval' }

/** The state of the node that is known without a query. */
export interface Standing {
  readonly state: StateValueFrom<typeof nodeMachine>
  /** Why it is not in its tailnet. */
  readonly error: TroupeError | undefined
  readonly wish: Wish | undefined
  readonly joined: Joined | undefined
}
