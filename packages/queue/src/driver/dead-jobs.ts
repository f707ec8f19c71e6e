/** Pages of the dead-letter list. */
import { notFound } from '@troupe/core'
import { type KeptJob, mostListedBytes } from './driver.ts'
import { keptColumns, keptJob, seqRow } from './sqlite-rows.ts'
import type { SqliteStatements } from './sqlite-statements.ts'

const page = `SELECT ${keptColumns} FROM jobs WHERE queue = ? AND state = 'dead' AND seq > ? ORDER BY seq LIMIT ?`

/** @throws TroupeError `NotFound` when the queue does not keep the job `after`. */
export function deadJobs(sql: SqliteStatements, queue: string, limit: number, after?: string): readonly KeptJob[] {
  const jobs: KeptJob[] = []
  let bytes = 0
  for (const row of sql.iterate(page, queue, after === undefined ? 0 : seqOf(sql, queue, after), limit)) {
    const job = keptJob(row)
    jobs.push(job)
    bytes += job.body.byteLength + (job.progress?.byteLength ?? 0)
    for (const { message } of job.errors) bytes += message.length
    if (bytes >= mostListedBytes) break
  }
  return jobs
}

function seqOf(sql: SqliteStatements, queue: string, id: string): number {
  const found = seqRow.parse(sql.get('SELECT seq FROM jobs WHERE queue = ? AND id = ?', queue, id))
  if (found !== undefined) return found.seq
  throw notFound(`${queue} does not keep the job "${id}": begin with the first dead job`, { queue, id })
}
