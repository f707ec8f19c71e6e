/**
 * The channel by which a probe's program passes itself to the test. All copies of a module that a test runner may load
 * share it.
 */
import { channel } from 'node:diagnostics_channel'

/** A running probe. */
export interface ProbeChannel {
  readonly number: number
  /** Runs a function as the probe. */
  readonly inside: <T>(fn: () => T) => T
  /** Makes the probe return. */
  readonly end: (value: unknown) => void
}

const openings = channel('troupe:test:probe')

export function publishProbeChannel(opening: ProbeChannel): void {
  openings.publish(opening)
}

/** Resolves with the probe of that number, once it runs. */
export function probeChannelOf(number: number): Promise<ProbeChannel> {
  return new Promise((resolve) => {
    const onOpening = (opening: unknown) => {
      if (!isOpening(opening) || opening.number !== number) return
      openings.unsubscribe(onOpening)
      resolve(opening)
    }
    openings.subscribe(onOpening)
  })
}

function isOpening(value: unknown): value is ProbeChannel {
  return typeof value === 'object' && value !== null && 'inside' in value && 'number' in value
}
