/** Metrics of queues. */
import { type Metric, summed } from './metric.ts'
import type { Observation } from './observation.ts'

const perSecond = 1000

export function queueMetrics({ queues, at }: Pick<Observation, 'queues' | 'at'>): readonly Metric[] {
  const metrics: readonly Metric[] = [
    {
      name: 'troupe_queue_jobs',
      help: 'Jobs that a queue keeps',
      type: 'gauge',
      samples: queues.flatMap(({ queue, jobs }) =>
        Object.entries(jobs).map(([state, value]) => ({ labels: { queue, state }, value })),
      ),
    },
    {
      name: 'troupe_queue_oldest_seconds',
      help: 'How long the oldest job of a queue waits that may run',
      type: 'gauge',
      samples: queues.map(({ queue, waitingSince }) => ({
        labels: { queue },
        value: Math.max(0, at - (waitingSince ?? at)) / perSecond,
      })),
    },
  ]
  return metrics.map(summed)
}
