/** The curves of the scale bench: what is measured at which points, and what each axis shows. */
import { scaled } from '../measure.ts'

/** One line of a curve. */
export interface Series {
  /** The name of the figure that a point returns. */
  readonly key: string
  readonly title: string
  readonly unit: string
}

export interface Curve {
  readonly name: string
  readonly title: string
  /** What the horizontal axis counts. */
  readonly of: string
  readonly points: readonly number[]
  /** Each has a diagram of its own, because the units differ. */
  readonly series: readonly Series[]
}

function upTo(...points: readonly number[]): readonly number[] {
  return points.slice(0, scaled(points.length, 1))
}

export const curves: readonly Curve[] = [
  {
    name: 'processes',
    title: 'Processes in one shared host',
    of: 'processes',
    points: upTo(100, 1000, 10_000, 100_000, 300_000, 1_000_000),
    series: [
      { key: 'bytes', title: 'heap of an idle process', unit: 'bytes' },
      { key: 'spawns', title: 'spawns', unit: '/s' },
      { key: 'pause', title: 'longest pause for garbage', unit: 'ms' },
    ],
  },
  {
    name: 'threads',
    title: 'Threads',
    of: 'threads',
    points: upTo(1, 5, 20, 50, 100, 200, 500),
    series: [
      { key: 'megabytes', title: 'memory of an idle thread', unit: 'MB' },
      { key: 'milliseconds', title: 'start of a thread', unit: 'ms' },
    ],
  },
  {
    name: 'senders',
    title: 'Senders to one mailbox, from another thread',
    of: 'senders',
    points: upTo(1, 10, 100, 1000, 3000, 10_000),
    series: [{ key: 'messages', title: 'messages', unit: '/s' }],
  },
  {
    name: 'policies',
    title: 'Policies in scope',
    of: 'policies',
    points: upTo(1, 10, 100, 1000, 10_000),
    series: [
      { key: 'conditioned', title: 'decision, all for the same resources', unit: 'µs' },
      { key: 'mixed', title: 'decision, most for other resources', unit: 'µs' },
    ],
  },
  {
    name: 'entries',
    title: 'Entries of an application',
    of: 'entries',
    points: upTo(10, 100, 1000, 10_000, 30_000, 100_000),
    series: [
      { key: 'boot', title: 'boot', unit: 'ms' },
      { key: 'kilobytes', title: 'memory of an entry', unit: 'kB' },
    ],
  },
  {
    name: 'overlays',
    title: 'Overlays',
    of: 'overlays',
    points: upTo(1, 10, 50, 100, 200, 500),
    series: [
      { key: 'boot', title: 'boot', unit: 'ms' },
      { key: 'first', title: 'first request through each', unit: 'ms' },
      { key: 'kept', title: 'second request through each', unit: 'ms' },
    ],
  },
  {
    name: 'connections',
    title: 'Connections to one http.service',
    of: 'connections',
    points: upTo(1, 10, 100, 1000, 5000, 10_000, 19_000),
    series: [
      { key: 'kilobytes', title: 'memory of an idle connection', unit: 'kB' },
      { key: 'node', title: 'the same, of node:http', unit: 'kB' },
      { key: 'requests', title: 'requests on all of them in turn', unit: '/s' },
      { key: 'nodeRequests', title: 'the same, to node:http', unit: '/s' },
    ],
  },
]
