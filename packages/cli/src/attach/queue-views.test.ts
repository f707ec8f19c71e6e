import { entryId } from '@troupe/core'
import { expect, it } from 'vitest'
import { deadJobTable, queueTable } from './queue-views.ts'

it('a queue is shown with its jobs, and since when the oldest waits', () => {
  const jobs = { delayed: 1, waiting: 2, running: 3, done: 4, dead: 5 }
  const table = queueTable({ queues: [{ queue: entryId('app:mails'), jobs, waitingSince: 5_000 }], at: 10_000 })
  expect(table.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['QUEUE', 'WAITING', 'OLDEST', 'DELAYED', 'RUNNING', 'DONE', 'DEAD'],
    ['app:mails', '2', '5 s', '1', '3', '4', '5'],
  ])
})

it('a dead job is one row with its last error, whatever its id and its error contain', () => {
  const error = { attempt: 2, at: 0, kind: 'Unknown', message: 'first line\nsecond line' }
  const job = { id: 'a\nforged', key: undefined, priority: 0, attempts: 2, published: 0, died: 60_000, errors: [error] }
  const [, row, ...more] = deadJobTable([job], 120_000).split('\n')
  expect(more).toEqual([])
  expect(row?.split(/ {2,}/)).toEqual([
    ...['a\\nforged', '-', '2', '2 min', '1 min', String.raw`Unknown: first line\nsecond line`],
  ])
})
