/** What `troupe queues` and `troupe dead-jobs` print. */
import type { DeadJob, Observation } from 'troupe/app'
import { age, formatTable } from './views.ts'

/** The number of jobs of each queue. */
export function queueTable({ queues, at }: Pick<Observation, 'queues' | 'at'>): string {
  return formatTable(
    ['QUEUE', 'WAITING', 'OLDEST', 'DELAYED', 'RUNNING', 'DONE', 'DEAD'],
    queues.map(({ queue, jobs, waitingSince }) => [
      queue,
      String(jobs.waiting),
      waitingSince === undefined ? '-' : age(waitingSince, at),
      ...[jobs.delayed, jobs.running, jobs.done, jobs.dead].map(String),
    ]),
  )
}

/** Dead jobs, with the error of their last attempt. */
export function deadJobTable(jobs: readonly DeadJob[], at: number): string {
  return formatTable(
    ['ID', 'KEY', 'ATTEMPTS', 'PUBLISHED', 'DEAD FOR', 'ERROR'],
    jobs.map(({ id, key, attempts, published, died, errors }) => {
      const last = errors.at(-1)
      const error = last === undefined ? '' : `${last.kind}: ${last.message}`
      return [id, key ?? '-', String(attempts), age(published, at), age(died, at), error]
    }),
  )
}
