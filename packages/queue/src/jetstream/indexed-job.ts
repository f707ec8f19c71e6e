/** A job and a key, as the index of a queue contains them. */
import type { JobRecord } from './job-record.ts'
import type { Heap } from './heap.ts'

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

/** The jobs of one key that are not done, and the record of those that have begun. */
export interface KeyLine {
  readonly token: string
  readonly key: string
  revision: number
  holders: readonly string[]
  /** Those that may run, and have not begun. */
  readonly ready: Heap<IndexedJob>
  /** The tokens of those that have begun, and are neither done nor dead. */
  readonly begun: Set<string>
  /** The tokens of those that are being taken at the moment. */
  readonly picked: Set<string>
  /** Number of jobs that are neither done nor dead. */
  unfinished: number
  /** The one that is in the queue's own line. */
  candidate: IndexedJob | undefined
}

/** The highest priority first, then the oldest. */
export function isBefore(a: IndexedJob, b: IndexedJob): boolean {
  const more = a.record.priority - b.record.priority
  return more === 0 ? a.order < b.order : more > 0
}

export function isUnfinished({ state }: JobRecord): boolean {
  return state === 'ready' || state === 'running'
}
