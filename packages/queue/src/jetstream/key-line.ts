/** The jobs of one key, as the index of a queue contains them. */
import { Heap } from './heap.ts'
import { type IndexedJob, isBefore, type KeyLine } from './indexed-job.ts'

export function keyLine(token: string, key: string): KeyLine {
  return {
    ...{ token, key, revision: 0, holders: [], ready: new Heap(isBefore) },
    ...{ begun: new Set(), picked: new Set(), unfinished: 0, candidate: undefined },
  }
}

/**
 * Returns the job of a key that is next. One that has begun keeps its place: jobs of a key that run one at a time stay
 * in their order when one fails.
 *
 * @param ready - Returns the job of a token, if it may run now.
 */
export function nextOfLine(line: KeyLine, ready: (token: string) => IndexedJob | undefined): IndexedJob | undefined {
  let next: IndexedJob | undefined
  for (const token of new Set([...line.begun, ...line.holders])) {
    const job = ready(token)
    if (job !== undefined && (next === undefined || isBefore(job, next))) next = job
  }
  if (next !== undefined) return next
  for (;;) {
    const { first } = line.ready
    if (first === undefined || ready(first.token) === first) return first
    line.ready.take()
  }
}

/** Whether a job may begin beside others of its key. @param begun - Those that have begun; itself too, if it has. */
export function mayBegin(
  { token }: IndexedJob,
  begun: ReadonlyMap<string, IndexedJob | undefined>,
  perKey: number,
): boolean {
  if (perKey === Infinity) return true
  const hasBegun = begun.has(token)
  let others = 0
  for (const [each, job] of begun) {
    // One that has begun waits only for those that run.
    const runs = job?.record.state !== 'ready' || job.isPicked
    if (each !== token && (runs || !hasBegun)) others += 1
  }
  return others < perKey
}
