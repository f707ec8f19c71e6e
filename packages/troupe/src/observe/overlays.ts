/** Overlays of an application, as all of its threads together see them. */
import { type BucketExemplar, type Counts, type EntryId, latencyBounds, newestExemplars } from '@troupe/core'
import type { OverlayCondition, OverlayStatus } from '@troupe/network'
import type { Census, Kernel, ObservedEnd, ObservedThread, OverlayRow } from '@troupe/process/kernel'

/** An overlay, over all threads and since the start. */
export interface ObservedOverlay {
  /** The id of its entry. */
  readonly overlay: EntryId
  /** Its condition, once it is known. */
  readonly state: OverlayCondition | undefined
  /** Why it is not up. */
  readonly reason: string | undefined
  /** When it entered this state, in milliseconds since 1970. */
  readonly since: number | undefined
  /** Connections that were opened through it. */
  readonly opened: number
  /** Connections that failed to open. */
  readonly failed: number
  /** Connections that are being opened. */
  readonly dialling: number
  /** Connections from peers that it accepted. */
  readonly accepted: number
  /** Connections that are open. */
  readonly open: number
  /** Bytes that were sent through it. */
  readonly bytesSent: number
  /** Bytes that were received through it. */
  readonly bytesReceived: number
  /** Dials that opened a connection, by duration; one more than there are bounds. */
  readonly dialBuckets: readonly number[]
  /** Of each of these buckets that has one, the last dial that belongs to a sampled trace. */
  readonly exemplars: readonly BucketExemplar[]
  /** The sum of the times of dials, in milliseconds. */
  readonly dialMilliseconds: number
}

/** An overlay with what its entry reports of it. */
export interface OverlayStatusOf {
  readonly overlay: EntryId
  readonly status: OverlayStatus | undefined
}

/** The overlays of an application, with their states. */
export async function overlayStates({ registry, overlays }: Kernel): Promise<readonly OverlayStatusOf[]> {
  return Promise.all(
    registry.find({ kind: 'network.*' }).map(async ({ id: overlay }) => ({
      overlay,
      status: await overlays.status(overlay).catch(() => undefined),
    })),
  )
}

/** Adds up what threads count. */
export function observedOverlays(
  states: readonly OverlayStatusOf[],
  threads: readonly ObservedThread[],
  ended: readonly ObservedEnd[],
  { rows, silent }: Census<OverlayRow>,
): readonly ObservedOverlay[] {
  const alive = new Set(threads.map(({ number }) => number))
  return states.map(({ overlay, status }) => {
    const own = rows.filter((row) => row.overlay === overlay && alive.has(row.thread))
    // What rows do not tell: threads that are gone, and threads that did not reply.
    const counted = [
      ...ended.filter((end) => end.overlay === overlay),
      ...threads.filter((thread) => thread.overlay === overlay && silent.includes(thread.number)),
    ].map(({ counts }) => counts)
    const inOverlay = [...ended, ...threads].filter((each) => each.overlay === overlay).map(({ counts }) => counts)
    const sum = (name: keyof (typeof rows)[number] & keyof Counts) =>
      total(own.map((row) => row[name])) + total(counted.map((counts) => counts[name]))
    const now = (name: 'dialling' | 'open') => total(own.map((row) => row[name]))
    return {
      overlay,
      state: status?.state,
      reason: status?.reason,
      since: status?.since,
      opened: total(own.map(({ opened }) => opened)) + total(counted.map(({ dialsOpened }) => dialsOpened)),
      failed: total(own.map(({ failed }) => failed)) + total(counted.map(({ dialsFailed }) => dialsFailed)),
      dialling: now('dialling'),
      accepted:
        total(own.map(({ accepted }) => accepted)) +
        total(counted.map(({ connectionsAccepted }) => connectionsAccepted)),
      open: now('open'),
      bytesSent: sum('bytesSent'),
      bytesReceived: sum('bytesReceived'),
      dialBuckets: [...latencyBounds, undefined].map((_, bucket) =>
        total(inOverlay.map(({ dialBuckets }) => dialBuckets[bucket] ?? 0)),
      ),
      exemplars: newestExemplars(inOverlay.flatMap(({ dialExemplars }) => dialExemplars)),
      dialMilliseconds: total(inOverlay.map(({ dialMilliseconds }) => dialMilliseconds)),
    }
  })
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
