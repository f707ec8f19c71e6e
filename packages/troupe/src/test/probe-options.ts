/** Options of both kinds of probes. */
import { type EntryId, entryId, parseDuration } from '@troupe/core'

/** Options of `app.probe`. */
export interface ProbeOptions {
  /** Registered name, by which other processes find it. */
  readonly name?: string
  /**
   * Overlays from which it accepts messages, in addition to its own network.
   *
   * @default `any`; none for a probe with a `network`
   */
  readonly accepts?: 'any' | readonly string[]
}

/** Options of `app.probe` for a probe in a network. */
export interface NetworkProbeOptions extends ProbeOptions {
  /** The probe runs in a thread of this network: an overlay's id, or `null` for the clear network. */
  readonly network: string | null
}

/** The default timeout of a probe's waits, in milliseconds of real time. */
export const patience = 5_000

export function milliseconds(timeout: number | string): number {
  return typeof timeout === 'string' ? parseDuration(timeout) : timeout
}

export function acceptedBy(accepts: 'any' | readonly string[]): 'any' | readonly EntryId[] {
  return accepts === 'any' ? accepts : accepts.map((id) => entryId(id))
}
