/** Jobs as they are listed, with their large values. */
import { notFound } from '@troupe/core'
import { type KeptJob, mostListedBytes } from '../driver/driver.ts'
import type { JobRecord } from './job-record.ts'
import type { JobStream } from './job-stream.ts'
import { readBytes } from './kept-bytes.ts'
import type { QueueIndex } from './queue-index.ts'
import { type JobSubjects, tokenOf } from './subjects.ts'

interface ReadJob {
  readonly queue: string
  readonly record: JobRecord
  /** Milliseconds since 1970. */
  readonly date: number
}

export async function keptJob(
  stream: JobStream,
  subjects: JobSubjects,
  { queue, record, date }: ReadJob,
): Promise<KeptJob> {
  const { id, priority, key, attempts, published, due, errors, state } = record
  const about = { subjects, queue }
  const [body, progress, result] = await Promise.all(
    [record.body, record.progress, record.result].map(async (kept) => kept && (await readBytes(stream, kept, about))),
  )
  return {
    ...{ queue, id, priority, key, attempts, published, due, errors, progress, result },
    state: state === 'ready' ? (due > date ? 'delayed' : 'waiting') : state,
    body: body ?? new Uint8Array(),
  }
}

interface DeadJobs {
  readonly stream: JobStream
  readonly subjects: JobSubjects
  readonly index: QueueIndex
  readonly queue: string
  readonly date: number
}

/** @throws TroupeError `NotFound` when the queue does not keep the job `after`. */
export async function deadPage(
  { stream, subjects, index, queue, date }: DeadJobs,
  limit: number,
  after?: string,
): Promise<readonly KeptJob[]> {
  const from = after === undefined ? undefined : index.get(tokenOf(after))
  if (after !== undefined && from === undefined)
    throw notFound(`${queue} does not keep the job "${after}": begin with the first dead job`, { queue, id: after })
  const jobs: KeptJob[] = []
  let bytes = 0
  const dead = [...index.all].filter(({ record, order }) => record.state === 'dead' && order > (from?.order ?? 0))
  for (const { record } of dead.toSorted((a, b) => a.order - b.order)) {
    if (jobs.length >= limit || bytes >= mostListedBytes) break
    const job = await keptJob(stream, subjects, { queue, record, date })
    jobs.push(job)
    bytes += job.body.byteLength + (job.progress?.byteLength ?? 0)
    for (const { message } of job.errors) bytes += message.length
  }
  return jobs
}
