/** What a tailnet node is told, and what it tells. */
import type { Backoff, Clock, EntryId, TroupeError } from '@troupe/core'
import type { StateValueFrom } from 'xstate'
import type { Joined } from './sidecar-messages.ts'
import type { nodeMachine } from './node.machine.ts'
import type { Sidecar } from './sidecar.ts'

export interface NodeOptions {
  readonly overlay: EntryId
  readonly hostname: string
  /** Its folder: absolute. */
  readonly stateDir: string
  /** Offered where a login is needed; without one somebody has to log the node in. */
  readonly authKey: string | undefined
  readonly controlUrl: string | undefined
  readonly ephemeral: boolean
  readonly tags: readonly string[]
  readonly exitNode: string | undefined
  readonly sidecar: Sidecar
  readonly log: (line: string) => void
  /** Called each time that it is in its tailnet. */
  readonly onJoined?: (joined: Joined) => Promise<void>
  /** Called when it has joined, is out, or waits for somebody. */
  readonly onChange?: () => void
  /** @default 1 s, up to 60 s, and some jitter */
  readonly delays?: Backoff
  /** @default the system's */
  readonly clock?: Clock
}

/** What waits for somebody: a login, in a browser, or the admission by an administrator. */
export type Wish = { readonly type: 'login'; readonly url: string } | { readonly type: 'approval' }

/** How the node stands, as far as it is known without asking. */
export interface Standing {
  readonly state: StateValueFrom<typeof nodeMachine>
  /** Why it is not in its tailnet. */
  readonly error: TroupeError | undefined
  readonly wish: Wish | undefined
  readonly joined: Joined | undefined
}
