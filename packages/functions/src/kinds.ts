/** The kinds of entries that this package runs. */
import { defineKind, duration, sourceFile } from '@troupe/registry'
import { z } from 'zod'

const pool = z.strictObject({
  /** Threads that are kept. */
  min: z.int().min(0).default(0),
  /** Threads at most. @default the number of cores */
  max: z.int().min(1).optional(),
  /** How long a thread above `min` waits for work before it ends. */
  idleTimeout: duration().default(30_000),
})

/** `function.ts`: a stateless function, called by id; it runs on a pool of threads. */
export const functionKind = defineKind({
  kind: 'function.ts',
  fields: z.strictObject({
    source: sourceFile(),
    /** Name of the exported function. */
    method: z.string().min(1).default('handler'),
    pool: pool.prefault({}),
  }),
})

export const functionKinds = [functionKind]
