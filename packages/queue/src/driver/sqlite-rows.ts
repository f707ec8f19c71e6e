/** Rows of the file of jobs. */
import { z } from 'zod'
import { type JobError, type KeptJob, mostErrors } from './driver.ts'

const bytes = z.instanceof(Uint8Array)
const errorsText = z.string().transform(errorsOf)
const errorList = z.array(
  z.object({ attempt: z.number(), at: z.number(), kind: z.string(), message: z.string(), code: z.string().optional() }),
)

const keptRow = z.object({
  queue: z.string(),
  id: z.string(),
  state: z
    .enum(['delayed', 'waiting', 'blocked', 'running', 'done', 'dead'])
    .transform((state) => (state === 'blocked' ? 'waiting' : state)),
  priority: z.number(),
  key: z.string().nullable(),
  attempts: z.number(),
  published: z.number(),
  due: z.number(),
  body: bytes,
  progress: bytes.nullable(),
  result: bytes.nullable(),
  errors: errorsText,
})

/** The columns of a {@link KeptJob}. */
export const keptColumns = Object.keys(keptRow.shape).join(', ')

export function keptJob(row: unknown): KeptJob {
  const { key, progress, result, ...rest } = keptRow.parse(row)
  return { ...rest, key: key ?? undefined, progress: progress ?? undefined, result: result ?? undefined }
}

export const readyRow = z
  .object({ seq: z.number(), id: z.string(), attempts: z.number(), key: z.string().nullable(), body: bytes })
  .optional()
export const claimedRow = z
  .object({ seq: z.number(), key: z.string().nullable(), attempts: z.number(), errors: errorsText })
  .optional()
/** A job that a consumer runs. */
export type ClaimedJob = NonNullable<z.output<typeof claimedRow>>
/** How a job is kept that no longer runs. */
export interface LeftJob {
  readonly state: 'delayed' | 'waiting' | 'dead'
  readonly due: number
  readonly errors: string
}
export const expiredRows = z.array(claimedRow.unwrap())
export const nextRow = z.object({ due: z.number().nullable(), lease: z.number().nullable() })
export const countsRow = z.object({
  ...{ delayed: z.number(), waiting: z.number(), running: z.number(), done: z.number(), dead: z.number() },
})
export const seqRow = z.object({ seq: z.number() }).optional()
export const pagesRow = z.object({ count: z.number(), free: z.number(), size: z.number() })
export const countRow = z.object({ count: z.number() })
export const seqRows = z.array(seqRow.unwrap())
export const oldestRow = z.object({ since: z.number() }).optional()
export const queueRows = z.array(z.object({ queue: z.string() }))
/** What decides the place of a job among those of its key. */
export const lineRow = z.object({
  ...{ seq: z.number(), queue: z.string(), key: z.string().nullable(), priority: z.number(), attempts: z.number() },
})
export type LineRow = z.output<typeof lineRow>
export const schemaRow = z.object({ schema: z.string() }).optional()

/** The text of a job's errors, with one more. */
export function errorsWith(errors: readonly JobError[], error: JobError): string {
  return JSON.stringify([...errors, error].slice(-mostErrors))
}

/** Damaged ones must not keep the other jobs from running. */
function errorsOf(text: string): readonly JobError[] {
  try {
    return errorList.parse(JSON.parse(text))
  } catch {
    return []
  }
}
