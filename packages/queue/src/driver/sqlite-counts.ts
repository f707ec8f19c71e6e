/** What the file of jobs knows about a queue as a whole. Each count reads an index, and no job. */
import type { JobCounts } from './driver.ts'
import { countsRow, nextRow, oldestRow, queueRows, schemaRow } from './sqlite-rows.ts'
import type { SqliteStatements } from './sqlite-statements.ts'

const count = (condition: string) => `(SELECT COUNT(*) FROM jobs WHERE queue = ?1 AND ${condition})`
const counts = `SELECT
  ${count(`state = 'delayed'`)} AS delayed,
  ${count(`state = 'waiting'`)} + ${count(`state = 'blocked'`)} AS waiting,
  ${count(`state = 'running'`)} AS running,
  ${count(`state = 'done' AND until > ?2`)} AS done,
  ${count(`state = 'dead'`)} AS dead`
const next = `SELECT
  (SELECT MIN(due) FROM jobs WHERE queue = ?1 AND state = 'delayed') AS due,
  (SELECT MIN(lease) FROM jobs WHERE queue = ?1 AND state = 'running') AS lease`
const oldest = `SELECT MAX(published, due) AS since FROM jobs
  WHERE queue = ? AND state = 'waiting' AND priority = ? ORDER BY seq LIMIT 1`
const priorities = Array.from({ length: 10 }, (_, priority) => priority)

export function countsOf(sql: SqliteStatements, queue: string, date: number): JobCounts {
  return countsRow.parse(sql.get(counts, queue, date))
}

/** When the next delayed job is due, and when the first lease ends. */
export function nextOf(sql: SqliteStatements, queue: string): { readonly due: number; readonly lease: number } {
  const { due, lease } = nextRow.parse(sql.get(next, queue))
  return { due: due ?? Infinity, lease: lease ?? Infinity }
}

/** Since when the oldest job waits that may run; those behind another one of their key do not count. */
export function waitingSince(sql: SqliteStatements, queue: string): number | undefined {
  const found = priorities.flatMap((priority) => oldestRow.parse(sql.get(oldest, queue, priority))?.since ?? [])
  return found.length === 0 ? undefined : Math.min(...found)
}

export function knownQueues(sql: SqliteStatements): readonly string[] {
  return queueRows.parse(sql.all('SELECT queue FROM queues ORDER BY queue')).map(({ queue }) => queue)
}

/** Notes the schema of a queue's payloads, and returns the one noted before. */
export function noteSchema(sql: SqliteStatements, queue: string, schema: string): string | undefined {
  const known = schemaRow.parse(sql.get('SELECT schema FROM queues WHERE queue = ?', queue))?.schema
  if (known !== schema) sql.run('INSERT OR REPLACE INTO queues (queue, schema) VALUES (?, ?)', queue, schema)
  return known
}
