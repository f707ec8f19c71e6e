/** The kinds of entries that this package runs. */
import { defineKind, duration, sourceModule } from '@troupe/registry'
import { z } from 'zod'

const threads = z.strictObject({
  /** Threads that are kept. */
  min: z.int().min(0).default(0),
  /** Threads at most. @default the number of cores */
  max: z.int().min(1).optional(),
  /** How long a thread above `min` waits for work before it ends. */
  idleTimeout: duration().default(30_000),
  /** Calls that may wait for a thread; beyond, calling is `Unavailable`. */
  queue: z.int().min(0).default(10_000),
  /** Isolation keys, of overlays that isolate by actor or process, that may have threads or wait for one; beyond, calling is `RateLimited`. */
  maxIsolationKeys: z.int().min(1).default(64),
})

/** A pool of threads, or `inline`: the caller's own thread. */
const pool = z.union([z.literal('inline'), threads], 'expected "inline", or a pool such as { max: 4 }')

export type PoolSettings = z.output<typeof threads>

/** The pool of functions that say nothing of theirs. */
export const defaultPool: PoolSettings = threads.parse({})

/** `function.ts`: a stateless function, called by id; it runs on a pool of threads, or in the caller's. */
export const functionKind = defineKind({
  kind: 'function.ts',
  fields: z.strictObject({
    source: sourceModule(),
    /** Name of the exported function. */
    method: z.string().min(1).default('handler'),
    pool: pool.default(defaultPool),
  }),
})

export const functionKinds = [functionKind]
