/** A job, as the index of a queue contains it. */
import type { JobRecord } from './job-record.ts'
import type { KeyLine } from './key-line.ts'

/** One revision of a job: each further one is another object. */
export interface IndexedJob {
  readonly token: string
  readonly revision: number
  readonly record: JobRecord
  /** Its place among all jobs. */
  readonly order: number
  readonly line: KeyLine | undefined
  /** When this revision was seen first, by this machine's own clock. */
  readonly seenAt: number
  /** It is being taken at the moment. */
  isPicked: boolean
}

/** The highest priority first, then the oldest. */
export function isBefore(a: IndexedJob, b: IndexedJob): boolean {
  const more = a.record.priority - b.record.priority
  return more === 0 ? a.order < b.order : more > 0
}

export function isUnfinished({ state }: JobRecord): boolean {
  return state === 'ready' || state === 'running'
}
