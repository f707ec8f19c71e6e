/** Takes jobs for a consumer. */
import { randomUUID } from 'node:crypto'
import { asTroupeError } from '@troupe/core'
import type { Delivery, Reservation } from '../driver/driver.ts'
import type { Claims } from './claims.ts'
import type { IndexedJob } from './indexed-job.ts'
import { decodeJob, encodeJob, encodeKey, type JobRecord } from './job-record.ts'
import type { JobStream } from './job-stream.ts'
import { readBytes } from './kept-bytes.ts'
import type { IndexClock, QueueIndex } from './queue-index.ts'
import type { JobSubjects } from './subjects.ts'

export interface Taking {
  readonly index: QueueIndex
  readonly queue: string
  readonly subjects: JobSubjects
  readonly patience: number
  readonly stream: JobStream
  readonly clock: IndexClock
  readonly claims: Claims
  readonly isMember: () => boolean
}

/** Tries the next job where another node was faster. @throws TroupeError `Unavailable` when none could be taken. */
export async function takeJobs(taking: Taking, reservation: Reservation): Promise<readonly Delivery[]> {
  const taken: Delivery[] = []
  while (taken.length < reservation.limit && taking.isMember()) {
    const picked = taking.index.pick(reservation.limit - taken.length, reservation.perKey)
    if (picked.length === 0) break
    const outcomes = await Promise.allSettled(picked.map(async (job) => takeOne(taking, job, reservation)))
    for (const outcome of outcomes)
      if (outcome.status === 'fulfilled' && outcome.value !== undefined) taken.push(outcome.value)
    const failure = outcomes.find(({ status }) => status === 'rejected')
    if (failure?.status !== 'rejected') continue
    if (taken.length === 0) throw asTroupeError(failure.reason)
    break
  }
  return taken
}

async function takeOne(
  taking: Taking,
  job: IndexedJob,
  { ackWait, perKey }: Reservation,
): Promise<Delivery | undefined> {
  const { index, queue, subjects, stream, patience, clock, claims } = taking
  const { token, record } = job
  const { id, key } = record
  try {
    if (perKey !== undefined && !(await holdKey(taking, job))) return undefined
    const receipt = randomUUID()
    const attempt = record.attempts + 1
    const end = clock.now() + ackWait
    const next: JobRecord = { ...record, state: 'running', attempts: attempt, receipt, ackWait, order: job.order }
    const subject = subjects.job(queue, id)
    const revision = await stream.write(subject, encodeJob(next), { expected: job.revision, patience })
    if (revision === undefined) {
      await refresh(taking, subject, token)
      return undefined
    }
    claims.add(receipt, end)
    index.put(token, revision, next)
    const body = await readBytes(stream, record.body, { subjects, queue })
    return { queue, id, key, receipt, attempt, body }
  } finally {
    index.putBack(job)
  }
}

/** Another node has changed the job. */
async function refresh({ stream, index }: Taking, subject: string, token: string): Promise<void> {
  const found = await stream.read(subject)
  if (found === undefined) index.forget(token)
  else index.put(token, found.revision, found.data && decodeJob(found.data))
}

/**
 * Notes in the record of the key that the job begins. Two nodes that begin two jobs of a key change the same record, so
 * the servers refuse the second one.
 */
async function holdKey({ index, queue, subjects, stream, patience }: Taking, job: IndexedJob): Promise<boolean> {
  const { line, token } = job
  if (line === undefined || line.holders.includes(token)) return true
  const record = { key: line.key, holders: [...index.holdersOf(line), token] }
  const subject = subjects.key(queue, line.key)
  const data = encodeKey(record)
  const revision = await stream.write(subject, data, { expected: line.revision, patience })
  if (revision !== undefined) {
    index.seeKey(line.token, revision, data)
    return true
  }
  const found = await stream.read(subject)
  // The servers have removed the mark of its removal.
  if (found === undefined) line.revision = 0
  else index.seeKey(line.token, found.revision, found.data)
  return false
}
