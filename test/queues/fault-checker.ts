/**
 * Checks what happened to jobs under faults. It reads the log and the file of jobs by itself, and uses nothing of the
 * code that it checks.
 */
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'

const row = z.object({
  id: z.string(),
  state: z.string(),
  attempts: z.number(),
  errors: z.string().transform((text) => z.array(z.object({ attempt: z.number() })).parse(JSON.parse(text))),
})

export interface Findings {
  readonly published: number
  readonly runs: number
  /** Jobs that began more than once. */
  readonly repeated: number
  /** What must not be, one a line. */
  readonly wrong: readonly string[]
}

interface Began {
  readonly id: string
  readonly attempt: number
  readonly key: string
  readonly number: number
}

/** A job as it is kept in the end. */
export type KeptRow = z.output<typeof row>

export function checkFaults(files: { readonly jobs: string; readonly log: string }): Findings {
  const database = new DatabaseSync(files.jobs, { readOnly: true })
  const rows = database.prepare('SELECT id, state, attempts, errors FROM jobs').all()
  database.close()
  return checkLog(files.log, z.array(row).parse(rows))
}

export function checkLog(log: string, rows: readonly KeptRow[]): Findings {
  const wrong: string[] = []
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const published = new Map<string, string>()
  const done = new Map<string, number>()
  const began = new Map<string, Began[]>()
  const inOrder: Began[] = []
  lines.forEach(([what, id = '', first = '', key = '-', number = ''], at) => {
    if (what === 'published') published.set(id, first)
    if (what === 'doubled') wrong.push(`${id} was kept a second time`)
    if (what === 'done' && done.has(id)) wrong.push(`${id} was done twice: lines ${done.get(id)} and ${at}`)
    if (what === 'done') done.set(id, at)
    if (what !== 'began') return
    const run = { id, attempt: Number(first), key, number: Number(number) }
    // An attempt that has lost the job to another one can still begin: docs/queues.md.
    const isReplaced = began.get(id)?.some(({ attempt }) => attempt > run.attempt) === true
    if (done.has(id) && !isReplaced) wrong.push(`${id} began again after it was done, in attempt ${first}`)
    began.set(id, [...(began.get(id) ?? []), run])
    inOrder.push(run)
  })
  const kept = new Map(rows.map((job) => [job.id, job]))
  for (const [id, queue] of published) {
    const job = kept.get(id)
    if (job === undefined) wrong.push(`${id} was acknowledged, and is lost`)
    else if (job.state !== 'done') wrong.push(`${id} is ${job.state}`)
    if (queue === 'jobs' && !began.has(id)) wrong.push(`${id} never began`)
  }
  for (const [id, runs] of began) {
    const attempts = new Set(runs.map(({ attempt }) => attempt))
    if (attempts.size !== runs.length) wrong.push(`${id}: an attempt began twice`)
    const shown = new Set(kept.get(id)?.errors.map(({ attempt }) => attempt))
    // The last run has a result, and each one before it an error that caused the next.
    const last = Math.max(...attempts)
    for (const attempt of attempts)
      if (attempt !== last && !shown.has(attempt) && last <= 20)
        wrong.push(`${id}: nothing shows why ${attempt} failed`)
  }
  wrong.push(...disorderOf(inOrder))
  const repeated = [...began.values()].filter(({ length }) => length > 1).length
  return { published: published.size, runs: inOrder.length, repeated, wrong }
}

/** Jobs of one key begin in their order. An attempt that was replaced by another one does not count. */
function disorderOf(runs: readonly Began[]): readonly string[] {
  const newest = new Map<string, number>()
  for (const { id, attempt } of runs) newest.set(id, Math.max(attempt, newest.get(id) ?? 0))
  const last = new Map<string, number>()
  return runs.flatMap(({ id, attempt, key, number }) => {
    if (key === '-' || attempt !== newest.get(id)) return []
    const before = last.get(key) ?? 0
    last.set(key, number)
    return number === before + 1 ? [] : [`${id} began after number ${before} of ${key}`]
  })
}
