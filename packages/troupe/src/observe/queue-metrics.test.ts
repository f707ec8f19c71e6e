import { entryId } from '@troupe/core'
import { expect, it } from 'vitest'
import { queueMetrics } from './queue-metrics.ts'

it('the metrics of queues count jobs by state, and the seconds that the oldest waits', () => {
  const jobs = { delayed: 1, waiting: 2, running: 3, done: 4, dead: 5 }
  const queues = [
    { queue: entryId('app:mails'), jobs, waitingSince: 7_000 },
    { queue: entryId('app:empty'), jobs, waitingSince: undefined },
  ]
  const [counts, oldest] = queueMetrics({ queues, at: 10_000 })
  expect(counts?.samples).toContainEqual({ labels: { queue: 'app:mails', state: 'waiting' }, value: 2 })
  expect(counts?.samples).toHaveLength(10)
  expect(oldest?.samples).toEqual([
    { labels: { queue: 'app:mails' }, value: 3 },
    { labels: { queue: 'app:empty' }, value: 0 },
  ])
})
