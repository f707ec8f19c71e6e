/** What a driver in another thread returns. */
import { z } from 'zod'

const bytes = z.instanceof(Uint8Array)

export const publishedValue = z.object({ id: z.string(), isDuplicate: z.boolean() })

export const deliveriesValue = z.array(
  z.object({
    ...{ queue: z.string(), id: z.string(), receipt: z.string(), attempt: z.number() },
    key: z.union([z.string(), z.undefined()]),
    body: bytes,
  }),
)

export const countsValue = z.object({
  ...{ delayed: z.number(), waiting: z.number(), running: z.number(), done: z.number(), dead: z.number() },
})

const jobError = z.object({
  ...{ attempt: z.number(), at: z.number(), kind: z.string(), message: z.string(), code: z.string().optional() },
})

export const jobValue = z.object({
  ...{ queue: z.string(), id: z.string(), priority: z.number(), attempts: z.number() },
  ...{ published: z.number(), due: z.number(), errors: z.array(jobError) },
  state: z.enum(['delayed', 'waiting', 'running', 'done', 'dead']),
  key: z.union([z.string(), z.undefined()]),
  body: bytes,
  progress: z.union([bytes, z.undefined()]),
  result: z.union([bytes, z.undefined()]),
})

export const jobsValue = z.array(jobValue)
