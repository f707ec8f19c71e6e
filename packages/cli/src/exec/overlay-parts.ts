/** What the openers of overlays share. */
import type { EntryId } from '@troupe/core'
import type { Route } from '@troupe/network'

/** An overlay that is held open until it is disposed of. */
export interface OpenOverlay extends AsyncDisposable {
  readonly id: EntryId
  readonly route: Route
  /** Variables of the environment that it uses: the program does not get them. */
  readonly variables: readonly string[]
}

export type Say = (line: string) => void

/** The variable that holds the auth key of a tailnet, unless the network names another one. */
export const keyVariable = 'TS_AUTHKEY'
